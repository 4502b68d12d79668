"""The paths of some adaptations on a point task: simulated again, or as a summary has kept them."""

from dataclasses import dataclass

import courses
import numpy as np
import style
from arena import Arena
from behaviour import Behaviour
from panels import longest
from script import Note

from esmaml_mpi.results.reader import Results

DECIMALS = 2  # of kept positions, in units of length: finer than a picture shows
KEPT = 2  # tasks of a summary, and one adaptation to each

Paths = list[list[np.ndarray]]  # positions (steps + 1, 2), by task


@dataclass(frozen=True)
class Explored:
    """Of one stored meta-policy: its own path ``before`` adaptation, all that is ``tried``, and what has come of it.

    ``tasks`` are the first of the run's ``all_tasks`` test tasks, each adapted to ``adaptations`` times.
    """

    arena: Arena
    iteration: int
    adaptations: int
    tasks: list[int]
    all_tasks: int
    before: np.ndarray
    tried: Paths
    after: Paths

    def kept(self) -> dict:
        """As a summary keeps it, in JSON's types."""
        arena = {
            "centres": _rounded(self.arena.centres),
            "wanted": [_rounded(own) for own in self.arena.wanted],
            "reach": self.arena.reach,
            "limit": self.arena.limit if np.isfinite(self.arena.limit) else None,
        }
        return {
            "arena": arena,
            "iteration": self.iteration,
            "adaptations": self.adaptations,
            "tasks": list(map(int, self.tasks)),
            "all_tasks": self.all_tasks,
            "before": _rounded(self.before),
            "tried": [[_rounded(path) for path in own] for own in self.tried],
            "after": [[_rounded(path) for path in own] for own in self.after],
        }

    @classmethod
    def read(cls, kept: dict) -> "Explored":
        """From what ``kept`` has returned."""
        arena = kept["arena"]
        limit = np.inf if arena["limit"] is None else arena["limit"]
        places = Arena(_points(arena["centres"]), [_points(own) for own in arena["wanted"]], arena["reach"], limit)
        paths = {name: [[_points(path) for path in own] for own in kept[name]] for name in ("tried", "after")}
        return cls(**kept | paths | {"arena": places, "before": _points(kept["before"])})


def explore(run: Results, at: str | int, adaptations: int, note: Note, most: int = len(style.COLOURS)) -> Explored:
    """Adapt to at most ``most`` test tasks: fresh rollouts, with randomness keyed by the run's seed."""
    tasks = run.test_task_ids[:most]
    behaviour = Behaviour(run, at, tasks, adaptations)
    if behaviour.failed:
        note(f"{run.path}: {behaviour.failed} of {len(behaviour.units)} adaptations failed")
    return Explored(
        Arena.of(behaviour.setup, tasks),
        behaviour.iteration,
        adaptations,
        tasks,
        len(run.test_task_ids),
        longest(_positions(behaviour.paths("before"))),
        _positions(courses.explored(behaviour)),
        _positions(behaviour.paths("after")),
    )


def _positions(paths: Paths) -> Paths:
    return [[path[:, :2] for path in own] for own in paths]


def _rounded(points: np.ndarray) -> list:
    return np.round(points, DECIMALS).tolist()


def _points(kept: list) -> np.ndarray:
    return np.array(kept, dtype=float).reshape(-1, 2)
