"""Adaptations step by step: what is tried, and what the operator has reached by when."""

from dataclasses import dataclass, field, replace

import numpy as np
from behaviour import Behaviour
from script import Note

from esmaml_mpi.adaptation.meta_parameters import adapting
from esmaml_mpi.reproducibility.randomness import Purpose
from esmaml_mpi.rollouts.result import RolloutResult
from esmaml_mpi.rollouts.simulate import RolloutError
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Status
from esmaml_mpi.tasks.workspace import Workspace

TOGETHER = 64  # adaptations simulated at once


@dataclass
class Course:
    """Adaptations of U units: after ``rollouts`` (R,) each was at ``parameters``, R arrays (d, U, 1)."""

    rollouts: list[int] = field(default_factory=list)
    parameters: list[np.ndarray] = field(default_factory=list)

    def add(self, rollouts: int, parameters: np.ndarray) -> None:
        """One step further."""
        self.rollouts.append(rollouts)
        self.parameters.append(parameters)


class RecordedTrials(Trials):
    """Trials that keep the observations of every rollout."""

    def __post_init__(self):
        super().__post_init__()
        self.recorded: list[RolloutResult] = []

    def simulated(self, *columns, record: bool) -> RolloutResult:
        """As ``Trials.simulated``."""
        result = super().simulated(*columns, record=True)
        # A copy: a Recording clears what comes after an episode's end, its last observation included.
        self.recorded.append(replace(result, observations=result.observations.copy()))
        return result


def follow(operator, points: np.ndarray, trials: Trials) -> Course:
    """Drive the operator from meta-policies (d + e, U, 1) to its end; e meta-parameters are its own."""
    policy = trials.setup.policy
    theta, own = points[: policy.size], points[policy.size :]
    course, reached = Course(), [theta]
    course.add(0, theta)
    session = adapting(operator, policy, theta, own, trials.directions, reached.append)
    answer = trials.answers(operator)
    with np.errstate(all="ignore"):  # of a failed rollout; its unit is marked in the tally
        queries = next(session)
        while True:
            used = course.rollouts[-1] + queries.shape[-1] * trials.setup.episodes
            try:
                queries = session.send(answer(queries))
            except StopIteration as done:
                course.add(used, done.value)
                return course
            course.add(used, reached[-1])


def rewards(behaviour: Behaviour, note: Note) -> tuple[np.ndarray, np.ndarray]:
    """Rollouts used (R,), and the reward (R, tasks, repeats) that each adaptation would have had by then.

    Rewards are scores of a fresh episode, the same one all along an adaptation; nan: the adaptation failed.
    """
    total = len(behaviour.units)
    parts = [part for a in range(0, total, TOGETHER) for part in _scored(behaviour, slice(a, min(a + TOGETHER, total)))]
    used = next((used for used, _ in parts if used is not None), None)
    if used is None:
        raise RolloutError(f"{behaviour.path}: every adaptation failed")
    values = np.concatenate([np.full((len(used), 1), np.nan) if own is None else own for _, own in parts], axis=1)
    if failed := int(np.count_nonzero(np.isnan(values[-1]))):
        note(f"{behaviour.path}: {failed} of {total} adaptations failed and are left out")
    return used, values.reshape(len(used), len(behaviour.tasks), behaviour.adaptations)


def explored(behaviour: Behaviour) -> list[list[np.ndarray]]:
    """Observations (steps + 1, n) of all that is tried, by task; of each query's first episode."""
    trials = _trials(RecordedTrials, behaviour, slice(0, len(behaviour.units)))
    follow(behaviour.operator, behaviour.points[:, :, None], trials)
    paths: list[list[np.ndarray]] = [[] for _ in behaviour.tasks]
    for result in trials.recorded:
        columns = np.arange(len(result.lengths)).reshape(len(paths), -1)[:, :: trials.setup.episodes]
        for own, mine in zip(paths, columns, strict=True):
            own += [result.observations[: result.lengths[i] + 1, :, i] for i in mine]
    return paths


def _scored(behaviour: Behaviour, part: slice) -> list[tuple]:
    """(rollouts (R,), rewards (R, U)) of some adaptations; (None, None) for one in which the family raises."""
    units, evaluator = behaviour.units[part], behaviour.experiment.evaluator
    trials = _trials(Trials, behaviour, part)
    try:
        course = follow(behaviour.operator, behaviour.points[:, part, None], trials)
        scores = [evaluator.score(each, units, behaviour.observer, Purpose.AFTER_EPISODE) for each in course.parameters]
    except RolloutError:
        if len(units) == 1:
            return [(None, None)]
        return [one for i in range(part.start, part.stop) for one in _scored(behaviour, slice(i, i + 1))]
    failed = np.array([trials.tally.status, *(tally.status for _, tally in scores)]) != Status.OK
    values = np.array([values[:, 0] for values, _ in scores])
    return [(np.array(course.rollouts), np.where(failed.any(axis=0), np.nan, values))]


def _trials(kind: type[Trials], behaviour: Behaviour, part: slice) -> Trials:
    units = behaviour.units[part]
    return kind(behaviour.setup, units, behaviour.observer, Workspace(), Purpose.QUERY_EPISODE, behaviour.subspace)
