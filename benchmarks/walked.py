"""How far the quadruped walks before and after adaptation, in metres, on the named tasks: a table of docs/quadruped.md.

    python benchmarks/walked.py results/few_trials_quadruped/paper/*.h5 --runs 10
    python benchmarks/walked.py plain_seed0.h5 --set adaptation.operator=hill_climbing --set adaptation.queries=49

An adaptation sees the rewards and the noise that its training had. What is then measured is the distance alone, mean of
EPISODES episodes: their return where neither energy nor drift costs anything and the reward has no noise of its own.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.trained.from_file import find_trained

EPISODES = 5
NAMES = ("nominal", "mass_voltage_left", "mass_voltage_right", "low_friction")
DISTANCE = dict(distance_weight=1.0, energy_weight=0.0, drift_weight=0.0, shake_weight=0.0, reward_noise=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="adaptation.KEY=VALUE")
    parser.add_argument("--at", default="last", help="which parameters: last, best, or an iteration")
    parser.add_argument("--runs", type=int, default=10, help="adaptations to each task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    for path in options.results:
        before, after = walked(path, options.at, options.set, options.runs, options.seed)
        found[path.stem] = {"before": before.tolist(), "after": after.tolist()}
        for name, old, new in zip(NAMES, before.T, after.T, strict=True):
            print(f"{path.stem:24} {name:20} {interval(old)} -> {interval(new)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def walked(path: Path, at: str, overrides: list[str], runs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Metres (runs, tasks) before and after adaptation to the named tasks."""
    trained = find_trained(path, at, overrides, seed)
    config = trained.config
    if config.task.name != "quadruped":
        sys.exit(f"{path}: task.name = {config.task.name}; quadruped is wanted.")
    first = config.task.options["named_tasks_from"]
    tasks = list(range(first, first + len(NAMES)))
    units = Units(Round(Phase.EVALUATE, trained.iteration), np.tile(tasks, (runs, 1)), np.arange(runs))
    points = np.repeat(trained.theta[:, None], runs, axis=1)
    adapted, tally = _experiment(config, tasks, seed).evaluator.adapt(points, units, trained.observer)
    if not tally.good.all():
        sys.exit(f"{path}: a rollout has failed.")

    options, task = {**config.task.options, **DISTANCE}, config.task
    config = dataclasses.replace(config, task=dataclasses.replace(task, options=options, rollouts=EPISODES))
    measuring = _experiment(config, tasks, seed + 1).evaluator
    unadapted = np.repeat(points[: len(adapted), :, None], len(tasks), axis=2)
    before, after = (
        measuring.score(parameters, units, trained.observer, Purpose.AFTER_EPISODE)[0]
        for parameters in (unadapted, adapted)
    )
    return before, after


def interval(values: np.ndarray) -> str:
    """Mean and standard error over runs."""
    return f"{values.mean():6.2f} +- {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def _experiment(config: Config, tasks: list[int], seed: int) -> Experiment:
    config = dataclasses.replace(config, run=dataclasses.replace(config.run, seed=seed))
    return Experiment(config, Phase.EVALUATE, tasks, 1)


if __name__ == "__main__":
    main()
