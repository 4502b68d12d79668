"""Right panels of a run's picture: what the meta-policy does before and after adaptation."""

import math

import numpy as np
import style
from arena import Arena
from behaviour import Behaviour
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle, Wedge

UNADAPTED = (0, (4, 2))  # dashes


def draw_arena(ax, behaviour: Behaviour) -> None:
    """Paths in the plane before and after adaptation, one colour a task."""
    before, after = longest(behaviour.paths("before")), behaviour.paths("after")
    arena = Arena.of(behaviour.setup, behaviour.tasks)
    draw_goals(ax, arena)
    draw_paths(ax, after)
    draw_unadapted(ax, before)
    frame(ax, arena.limit, seen(ax, arena.limit, [arena.goals, before, *(path for paths in after for path in paths)]))
    style.legend_below(ax, handles := arena_handles(behaviour.tasks), columns=math.ceil(len(handles) / 2))


def draw_goals(ax, arena: Arena) -> None:
    """What the tasks want, each in its colour, and crosses where the family has other goals."""
    ax.plot(*arena.centres.T, "x", color=style.GREY, ms=7, zorder=1)
    wanted_by: dict[tuple, list[str]] = {}
    for goals, colour in zip(arena.wanted, style.COLOURS, strict=False):
        for goal in goals:
            wanted_by.setdefault(tuple(goal), []).append(colour)
    for goal, colours in wanted_by.items():
        _draw_goal(ax, goal, colours, arena.reach)


def draw_paths(ax, paths: list[list[np.ndarray]], ends: bool = True, **look) -> list[list[Line2D]]:
    """Paths (steps + 1, 2) by task, one colour a task; returns what was drawn of each task."""
    drawn = []
    for own, colour in zip(paths, style.COLOURS, strict=False):
        lines = []
        for path in own:
            lines += ax.plot(*path.T, color=colour, **dict(lw=1.5, alpha=0.85, zorder=3) | look)
            if ends:
                lines += ax.plot(*path[-1], "o", color=colour, ms=5, mec="white", mew=0.6, zorder=5)
        drawn.append(lines)
    return drawn


def draw_unadapted(ax, path: np.ndarray) -> None:
    """Where the policy goes before it has adapted, and where every path starts."""
    ax.plot(*path.T, color=style.BLACK, lw=1.8, ls=UNADAPTED, zorder=3.5)
    ax.plot(*path[0], "s", color=style.BLACK, ms=5, zorder=6)


def longest(paths: list[list[np.ndarray]]) -> np.ndarray:
    """Before it has adapted the policy does the same for every task, as long as its episode goes on."""
    return max((path for task in paths for path in task), key=len)


def seen(ax, limit: float, paths: list[np.ndarray]) -> float:
    """How far from the middle a square view has to reach, the walls included if they are near."""
    ax.autoscale_view()
    drawn = max(ax.dataLim.x1, -ax.dataLim.x0, ax.dataLim.y1, -ax.dataLim.y0)  # discs around goals too
    shown = max(drawn, *(np.nanmax(np.abs(path)) for path in paths)) * 1.06
    return max(shown, 1.06 * limit) if math.isfinite(limit) and shown >= 0.9 * limit else shown


def frame(ax, limit: float, shown: float) -> None:
    """A square view, with the wall where it can be seen."""
    ax.set_aspect("equal")
    if math.isfinite(limit) and shown >= limit:
        ax.add_patch(Rectangle((-limit, -limit), 2 * limit, 2 * limit, fill=False, ec=style.GREY, lw=1, zorder=1))
    ax.set(xlim=(-shown, shown), ylim=(-shown, shown))
    ax.locator_params(nbins=8)  # the same few ticks on both axes, never touching
    ax.set_xlabel("x (units of length)")
    ax.set_ylabel("y (units of length)")


def arena_handles(tasks: list) -> list[Line2D]:
    """What the legend of an arena explains; ``tasks``: what each colour is called."""
    return [
        Line2D([], [], color=style.BLACK, marker="s", ms=5, lw=0, label="start"),
        Line2D([], [], color=style.BLACK, marker="o", ms=5, lw=0, label="end"),
        Line2D([], [], color=style.BLACK, lw=1.8, ls=UNADAPTED, label="unadapted"),
        Line2D([], [], lw=0, label=" "),  # fills up the second of the columns of two
        *_task_handles(tasks, marker="*", ms=10),
    ]


def draw_answers(ax, behaviour: Behaviour) -> None:
    """Regression: targets, and predictions before and after adaptation, one colour a task."""
    limit = behaviour.setup.family.input_range
    inputs = np.linspace(-limit, limit, 201)
    ax.plot(inputs, behaviour.answers("before", inputs)[0, 0], color=style.GREY, ls=UNADAPTED, zorder=3)
    after = behaviour.answers("after", inputs)
    for task, predictions, colour in zip(behaviour.tasks, after, style.COLOURS, strict=False):
        amplitude, phase = behaviour.setup.task_table[:, task]
        ax.plot(inputs, amplitude * np.sin(inputs - phase), color=colour, lw=2.2, ls=":")
        ax.plot(inputs, predictions.T, color=colour, lw=1.2)
    ax.set(xlabel="input x", ylabel="prediction")
    handles = [
        Line2D([], [], color=style.GREY, lw=1.8, ls=UNADAPTED, label="unadapted"),
        Line2D([], [], color=style.BLACK, lw=2.2, ls=":", label="target"),
        *_task_handles(behaviour.tasks),
    ]
    style.legend_below(ax, handles, columns=3)


def _draw_goal(ax, goal: tuple, colours: list[str], reach: float) -> None:
    """A star, or a disc with a slice for each task that shares the goal."""
    if len(colours) == 1:
        ax.plot(*goal, "*", color=colours[0], ms=19, mec="white", mew=0.8, zorder=4)
    for i, colour in enumerate(colours if len(colours) > 1 else ()):
        slice_ = 360 / len(colours)
        ax.add_patch(Wedge(goal, 0.25, 90 + i * slice_, 90 + (i + 1) * slice_, fc=colour, ec="white", lw=0.8, zorder=4))
    if reach:
        edge = colours[0] if len(colours) == 1 else style.GREY
        ax.add_patch(Circle(goal, reach, facecolor=(edge, 0.06), edgecolor=(edge, 0.45), lw=0.8, zorder=0.5))


def _task_handles(tasks: list, **marker) -> list[Line2D]:
    colours = zip(tasks, style.COLOURS, strict=False)
    return [Line2D([], [], color=colour, lw=1.5, label=f"task {task}", **marker) for task, colour in colours]


# family -> what is drawn beside its learning curve
PANELS = {
    "four_corners": draw_arena,
    "navigation_2d": draw_arena,
    "six_circles": draw_arena,
    "sinusoid": draw_answers,
}
