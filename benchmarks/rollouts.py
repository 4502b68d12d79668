"""Rollouts per second on one core, as a ratio to the plain loop, in one run.

    python benchmarks/rollouts.py [--rounds 5]

Four corners, horizon 100, normalised observations, returns and observation sums included. "unit" rows are all the work
of one evaluation of a 301-rank job: 4 tasks, 84 rollouts to adapt and 4 to score, random numbers and gradients too.
Both sides are timed in turn, several times; the ratio is of the medians.
"""

import argparse
import functools
import statistics
import time

import numpy as np
from plain_loop import PlainFourCorners, PlainPolicy, rollout

from esmaml_mpi.config.experiment import Experiment, Request
from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.stages import Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks.four_corners import CORNERS
from esmaml_mpi.tasks.workspace import Workspace

MEAN, STD = np.array([0.1, -0.2]), np.array([1.5, 1.2])
HORIZON = 100


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times each side is measured (default 5)")
    options = parser.parse_args()
    print(f"{'policy':10} {'batch':>12} {'rollouts/s':>12} {'plain loop':>12} {'ratio':>8}")
    for name, hidden in (("linear", []), ("width 32", [32])):
        experiment = Experiment(load({"policy": {"hidden": hidden}}).resolved())
        check(experiment)
        slow = functools.partial(plain, experiment, 20)
        for label, fast in cases(experiment):
            rates = [(rate(fast), rate(slow)) for _ in range(options.rounds)]
            ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
            print(f"{name:10} {label:>12} {ours:12,.0f} {theirs:12,.0f} {ours / theirs:7.0f}x", flush=True)


def cases(experiment):
    """(label, function that returns how many rollouts it did)."""
    workspace = Workspace()
    for batch in (84, 2000, 8000):
        yield str(batch), functools.partial(batched, experiment, batch, workspace)
    request = Request(0, 0, Stage(units=300), False, experiment.initial_theta(), Observer(MEAN, STD))
    yield "unit (88)", functools.partial(unit, experiment, request)


def unit(experiment, request) -> int:
    """One evaluation, whole."""
    return int(experiment.train_units(request, range(7, 8))[1].rollouts.sum())


def batched(experiment, batch, workspace) -> int:
    """Simulate a batch of different policies."""
    parameters, tasks = batch_inputs(experiment, batch)
    simulate(experiment.policy, experiment.family, parameters, tasks, None, Observer(MEAN, STD), workspace)
    return batch


def plain(experiment, batch) -> int:
    """The same with the plain loop."""
    parameters, tasks = batch_inputs(experiment, batch)
    for column in range(batch):
        plain_rollout(experiment, parameters[:, column], tasks[:, column])
    return batch


def plain_rollout(experiment, parameters, goal):
    widths = [2, *experiment.policy.hidden, 2]
    return rollout(PlainPolicy(widths, parameters, MEAN, STD), PlainFourCorners(goal), HORIZON)


_inputs: dict = {}


def batch_inputs(experiment, batch):
    """Random parameters (d, batch) and goals (2, batch), made once."""
    key = (experiment.policy.size, batch)
    if key not in _inputs:
        generator = np.random.default_rng(0)
        _inputs[key] = (
            0.5 * generator.standard_normal((experiment.policy.size, batch)),
            np.ascontiguousarray(CORNERS[np.arange(batch) % 4].T),
        )
    return _inputs[key]


def check(experiment) -> None:
    """Both sides must agree on what they compute."""
    parameters, tasks = batch_inputs(experiment, 84)
    result = simulate(experiment.policy, experiment.family, parameters, tasks, None, Observer(MEAN, STD), Workspace())
    for column in range(84):
        total, sums, squares = plain_rollout(experiment, parameters[:, column], tasks[:, column])
        np.testing.assert_allclose(result.returns[column], total, rtol=1e-9)
        np.testing.assert_allclose(result.observation_sums[:, column], [*sums, *squares], rtol=1e-9, atol=1e-9)


def rate(function, seconds: float = 0.4) -> float:
    """Rollouts per second over at least ``seconds``."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        done += function()
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
