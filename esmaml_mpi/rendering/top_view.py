"""Point tasks from above: the path so far, where the agent is, and the goals."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from esmaml_mpi.rendering.canvas import BLACK, BLUE, GREEN, GREY, ORANGE, Canvas, grid
from esmaml_mpi.rendering.goals import Goals, goals_of
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.tasks.family import Simulation
from esmaml_mpi.tasks.point import PointFamily

MARGIN = 1.06
GROWTH = 1.5  # of the view when a path leaves it
WALL_NEAR = 0.6  # a wall is shown where the rest of the view fills this share of it


class TopView(Painter[PointFamily, Simulation]):
    """Equal axes around the origin, large enough for goals and paths."""

    def __init__(self, family: PointFamily, width: int, height: int):
        super().__init__(family, width, height)
        self.canvas, self.shown = Canvas(width, height), 0.0

    def fit(self, simulation: Simulation, paths: list[np.ndarray]) -> None:
        self.shown = max(_extent(path) for path in paths) * MARGIN

    def frame(self, simulation: Simulation, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        path, task = observations[:, :, column], tasks[:, column]
        goals = goals_of(self.family, task)
        self._hold(path, goals)
        return self.canvas.paint(
            (task.tobytes(), self.shown),
            lambda axes: self._arena(axes, goals),
            lambda axes: [*_visits(axes, goals, path), *_path(axes, path, BLUE, "-")],
        )

    def picture(self, paths: list[np.ndarray], task: np.ndarray) -> np.ndarray:
        """Whole paths (steps + 1, 2) of the unadapted policy, grey, and the adapted one, blue, in one frame."""
        goals = goals_of(self.family, task)
        for path in paths:
            self._hold(path, goals)
        before, after = paths

        def moving(axes: Axes) -> list[Artist]:
            dashed, full = _path(axes, before, GREY, "--"), _path(axes, after, BLUE, "-")
            return [*_visits(axes, goals, after), *dashed, *full]

        return self.canvas.paint((task.tobytes(), self.shown), lambda axes: self._arena(axes, goals), moving)

    def _hold(self, path: np.ndarray, goals: Goals) -> None:
        """Widen the view until goals and path are in it."""
        wanted = 10 * self.family.action_limit
        for places, distance in ((goals.correct, goals.reach), (goals.wrong, goals.forbidden)):
            if len(places):
                wanted = max(wanted, np.max(np.abs(places)) + distance)
        wall = self.family.position_limit
        if self.shown == 0.0 or wanted * MARGIN > self.shown:
            self.shown = max(self.shown, wanted * MARGIN)
        if self.shown < _extent(path):
            self.shown = _extent(path) * GROWTH
        if np.isfinite(wall) and self.shown > WALL_NEAR * wall:
            self.shown = wall * MARGIN

    def _arena(self, axes: Axes, goals: Goals) -> None:
        grid(axes)
        wall = self.family.position_limit
        if np.isfinite(wall) and wall <= self.shown:
            axes.add_patch(Rectangle((-wall, -wall), 2 * wall, 2 * wall, fill=False, ec=GREY, lw=1.2, zorder=1))
        for places, distance, colour, marker, size in (
            (goals.wrong, goals.forbidden, ORANGE, "X", 9),
            (goals.correct, goals.reach, GREEN, "*", 16),
        ):
            for place in places:
                if distance:
                    axes.add_patch(Circle(place, distance, fc=(colour, 0.07), ec=(colour, 0.5), lw=0.8, zorder=0.5))
                axes.plot(*place, marker, color=colour, ms=size, mec="white", mew=0.8, zorder=2)
        axes.set_aspect("equal")
        axes.set(xlim=(-self.shown, self.shown), ylim=(-self.shown, self.shown))
        axes.set(xlabel="x (units of length)", ylabel="y (units of length)")
        axes.locator_params(nbins=7)


def _path(axes: Axes, path: np.ndarray, colour: str, line: str) -> list:
    """A line, a square where it starts and a dot where the agent is."""
    return [
        *axes.plot(*path.T, color=colour, lw=1.8, ls=line),
        *axes.plot(*path[0], "s", color=BLACK, ms=4),
        *axes.plot(*path[-1], "o", color=colour, ms=8, mec="white", mew=1.0),
    ]


def _visits(axes: Axes, goals: Goals, path: np.ndarray) -> list:
    """Correct goals that have been switched off lose their colour."""
    return [
        artist
        for place in goals.correct[goals.visited(path)]
        for artist in axes.plot(*place, "*", color="white", ms=16, mec=GREEN, mew=1.2)
    ]


def _extent(path: np.ndarray) -> float:
    """The farthest coordinate from the origin; failed episodes may have some that are not finite."""
    return float(np.max(np.abs(path), where=np.isfinite(path), initial=0.0))
