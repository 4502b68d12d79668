"""Rollouts of probes of many tasks, each by itself."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.meta.probes import Probe
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Purpose
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Tally, Units


@dataclass(frozen=True)
class Rollouts:
    """Which: of the tasks ``tasks[slots]``, slots (U,), the evaluations (U,); ``episodes`` keys their noise."""

    tasks: np.ndarray
    slots: np.ndarray
    evaluations: np.ndarray
    episodes: Purpose


def roll_out(
    probe: Probe,
    centres: np.ndarray,
    asked: Rollouts,
    request: Request,
    evaluator: Evaluator,
    observers: Observer | None,
) -> tuple[np.ndarray, Tally]:
    """Rewards (U, 1), nan where a rollout failed, of a probe of the tasks' ``centres`` (d, T), and their tally.

    ``observers``: one for each rollout, None for the request's. With them rows are (U, 2 + 2n): the number of
    observations, their sums, and those of their squares follow.
    """
    rows, tallies = [], []
    for start in range(0, len(asked.slots), evaluator.block):
        block = slice(start, start + evaluator.block)
        slots, evaluations = asked.slots[block], asked.evaluations[block]
        tasks = asked.tasks[slots]
        points = probe.points(centres[:, slots], evaluations, request.round, tasks, request.subspace)
        observer = request.observer if observers is None else observers.of(block)
        units = Units(request.round, tasks[:, None], probe.keys(evaluations))
        outcome = evaluator.rollouts(points, units, observer, asked.episodes)
        tally, rewards = outcome.tally, outcome.after
        good = tally.good[:, None] & np.isfinite(rewards)
        found = [np.where(good, rewards, np.nan)]
        if observers is not None:
            sums = np.concatenate([tally.steps[:, None], tally.observation_sums.T], axis=1)
            found.append(np.where(good, sums, 0.0))
        rows.append(np.concatenate(found, axis=1))
        tallies.append(tally)
    return np.concatenate(rows), Tally.joined(tallies)
