"""Regression: the task's curve and the predictions made so far."""

import numpy as np
from matplotlib.axes import Axes

from esmaml_mpi.rendering.canvas import BLACK, BLUE, FONT, GREY, ORANGE, Canvas, grid
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.tasks.sinusoid import Sinusoid, SinusoidSimulation

MARGIN = 1.15
FARTHEST = 3.0  # largest amplitudes that are shown; a wild prediction would flatten the curve


class Regression(Painter[Sinusoid, SinusoidSimulation]):
    """Targets as a line, predictions as dots, the latest with its error."""

    def __init__(self, family: Sinusoid, width: int, height: int):
        super().__init__(family, width, height)
        self.canvas, self.shown = Canvas(width, height), family.amplitude_high * MARGIN

    def fit(self, simulation: SinusoidSimulation, paths: list[np.ndarray]) -> None:
        made = np.abs(simulation.predictions[: simulation.steps])
        largest = np.max(made, where=np.isfinite(made), initial=self.family.amplitude_high)
        self.shown = min(largest, FARTHEST * self.family.amplitude_high) * MARGIN

    def frame(
        self, simulation: SinusoidSimulation, column: int, observations: np.ndarray, tasks: np.ndarray
    ) -> np.ndarray:
        amplitude, phase = tasks[:, column]
        done = len(observations) - 1  # the last input has no prediction yet
        inputs, predictions = observations[:done, 0, column], simulation.predictions[:done, column]

        def moving(axes: Axes) -> list:
            artists = axes.plot(inputs, predictions, "o", color=BLUE, ms=4, mec="white", mew=0.4)
            if done:
                x, y = inputs[-1], predictions[-1]
                artists += axes.plot([x, x], [y, amplitude * np.sin(x - phase)], color=ORANGE, lw=1.5)
                artists += axes.plot([x], [y], "o", color=ORANGE, ms=6)
            return artists

        return self.canvas.paint(
            (amplitude, phase, self.shown), lambda axes: self._curve(axes, amplitude, phase), moving
        )

    def _curve(self, axes: Axes, amplitude: float, phase: float) -> None:
        grid(axes)
        limit = self.family.input_range
        x = np.linspace(-limit, limit, 401)
        axes.plot(x, amplitude * np.sin(x - phase), color=GREY, lw=1.8, label="target")
        axes.plot([], [], "o", color=BLUE, ms=4, label="predictions")
        axes.plot([], [], "o-", color=ORANGE, ms=5, lw=1.5, label="latest, and its error")
        axes.axhline(0.0, color=BLACK, lw=0.5)
        axes.set(xlim=(-1.03 * limit, 1.03 * limit), ylim=(-self.shown, self.shown))
        axes.set(xlabel="input x", ylabel="prediction")
        axes.legend(fontsize=FONT - 1, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=3, frameon=False)
