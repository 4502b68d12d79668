"""The shape of exploration and of adapted policies' paths on point tasks, out of rollouts simulated again."""

import courses
import numpy as np
from behaviour import Behaviour
from script import Note

from esmaml_mpi.errors import UserError
from esmaml_mpi.reproducibility.randomness import Phase
from esmaml_mpi.results.reader import Results
from esmaml_mpi.rollouts.simulate import RolloutError

LEAST = 1e-6  # a path that ends where it began has no direction, and no detour


def visits(results: Results, family, iteration: int, note: Note) -> dict[str, float]:
    """Of a test's adapted policies: share ``solved`` that switch every correct goal off, how many ``goals`` each does,
    and ``turns`` of the path around the goals' centre. Nothing where it cannot be simulated.
    """
    try:
        behaviour = Behaviour(results, iteration, results.test_task_ids, results.config.test.repeats, Phase.TEST)
        paths = behaviour.paths("after")
    except UserError as error:
        note(f"{results.path}: the goals visited are not known: {error}")
        return {}
    solved, goals, turned = [], [], []
    for task, own in zip(results.test_task_ids, paths, strict=True):
        wanted = family.centres[behaviour.setup.task_table[:, task] > 0]
        for path in own:
            near = np.linalg.norm(path[:, None, :2] - wanted, axis=2).min(axis=0) < family.switch_off_distance
            solved.append(near.all())
            goals.append(near.sum())
            turned.append(turns(path[:, :2] - family.centres.mean(axis=0)))
    return {"solved": float(np.mean(solved)), "goals": float(np.mean(goals)), "turns": float(np.mean(turned))}


def turns(path: np.ndarray) -> float:
    """Widest angle that a path (steps + 1, 2) has turned around 0, either way, in turns."""
    angles = np.unwrap(np.arctan2(path[:, 1], path[:, 0])[np.linalg.norm(path, axis=1) > LEAST])
    return float(np.ptp(angles) / (2 * np.pi)) if angles.size else 0.0


def exploration(results: Results, iteration: int, note: Note) -> dict[str, float]:
    """Of all that an adaptation to each test task tries: see ``shape``. Nothing where it cannot be simulated."""
    try:
        tried = courses.explored(Behaviour(results, iteration, results.test_task_ids, 1, Phase.TEST))
    except (UserError, RolloutError) as error:
        note(f"{results.path}: the paths of exploration are not known: {error}")
        return {}
    shapes = [shape([path[:, :2] for path in own]) for own in tried]
    return {name: float(np.nanmean([own[name] for own in shapes])) for name in shapes[0]}


def shape(paths: list[np.ndarray]) -> dict[str, float]:
    """``spread``: root mean square distance of end points from their mean; ``alike``: length of the mean of the unit
    vectors from start to end, in 0 to 1; ``detour``: median of path length over the distance from start to end.
    """
    ends = np.array([path[-1] for path in paths])
    moves = np.array([path[-1] - path[0] for path in paths])
    lengths = np.array([np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths])
    net = np.linalg.norm(moves, axis=1)
    going = net > LEAST
    return {
        "spread": float(np.sqrt(((ends - ends.mean(axis=0)) ** 2).sum(axis=1).mean())),
        "alike": float(np.linalg.norm((moves[going] / net[going, None]).mean(axis=0))) if going.any() else np.nan,
        "detour": float(np.median(lengths[going] / net[going])) if going.any() else np.nan,
    }
