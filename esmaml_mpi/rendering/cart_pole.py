"""The cart-pole from the side, with the angle that its biased sensor shows."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from esmaml_mpi.rendering.canvas import BLACK, BLUE, FONT, GREY, ORANGE, Canvas
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.tasks.cartpole_sensor_bias import HALF_LENGTH, SECONDS, CartPoleSensorBias
from esmaml_mpi.tasks.family import Simulation

CART_WIDTH, CART_HEIGHT = 0.5, 0.3  # metres, for the eye: the model has none
LENGTH = 2 * HALF_LENGTH
SENSOR_LENGTH = 1.3 * LENGTH  # of the line for its angle, which is often close to the pole's


class CartPole(Painter[CartPoleSensorBias, Simulation]):
    """Reads the observations: position first, and the angle, which is off by the task's bias, after the velocity."""

    def __init__(self, family: CartPoleSensorBias, width: int, height: int):
        super().__init__(family, width, height)
        self.canvas = Canvas(width, height)

    @property
    def seconds(self) -> float:
        return SECONDS

    def frame(self, simulation: Simulation, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        now = observations[-1, :, column]
        position, seen, bias = now[0], now[2 if self.family.observe_velocities else 1], tasks[0, column]

        def moving(axes: Axes) -> list:
            cart = Rectangle((position - CART_WIDTH / 2, 0), CART_WIDTH, CART_HEIGHT, fc=GREY, ec=BLACK, lw=0.8)
            axes.add_patch(cart)
            return [
                cart,
                _pole(axes, position, seen - bias, LENGTH, color=BLUE, lw=6, solid_capstyle="round"),
                _pole(axes, position, seen, SENSOR_LENGTH, color=ORANGE, lw=1.5, ls="--"),
                *axes.plot(position, CART_HEIGHT, "o", color=BLACK, ms=4),
            ]

        return self.canvas.paint("track", self._track, moving)

    def _track(self, axes: Axes) -> None:
        limit = self.family.position_limit
        axes.axhline(0.0, color=BLACK, lw=1.2)
        for wall in (-limit, limit):
            axes.axvline(wall, color=ORANGE, lw=1.2, ls=":")
        axes.set_aspect("equal")
        axes.set(xlim=(-1.1 * limit, 1.1 * limit), ylim=(-0.4, CART_HEIGHT + 1.5 * LENGTH))
        axes.set(xlabel="position (m)", ylabel="height (m)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(
            handles=[
                Line2D([], [], color=BLUE, lw=4, label="pole"),
                Line2D([], [], color=ORANGE, lw=1.5, ls="--", label="angle the sensor shows"),
            ],
            fontsize=FONT - 1,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.02),
            ncols=2,
            frameon=False,
        )


def _pole(axes: Axes, position: float, angle: float, length: float, **look: Any) -> Line2D:
    """A line from the cart at ``position``, leaning to the right by ``angle`` radians."""
    x, y = position + length * np.sin(angle), CART_HEIGHT + length * np.cos(angle)
    return axes.plot([position, x], [CART_HEIGHT, y], **look)[0]
