"""Evaluating a trained meta-policy: adapt to tasks with fresh randomness, before and after."""

import argparse
import dataclasses
import json
import math
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.makers import best_possible
from esmaml_mpi.config.memory import amount, machine_bytes
from esmaml_mpi.errors import UsageError
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.parallel.rounds import Reply, Rounds
from esmaml_mpi.parallel.world import World
from esmaml_mpi.reproducibility.randomness import Phase
from esmaml_mpi.settings.fields import json_values, show
from esmaml_mpi.settings.registry import adopt, known_here
from esmaml_mpi.trained.from_file import MOST_TASK, check_tasks, find_trained
from esmaml_mpi.training.explaining import Explaining
from esmaml_mpi.training.launch import agree
from esmaml_mpi.training.standard_output import product

RETURN_BYTES = 96  # of an adaptation on rank 0: returns and successes before and after, as gathered and as reported


def assess(
    world: World, config: Config, request: Request | None, tasks: list[int], repeats: int, seed: int
) -> Reply | None:
    """Returns and shares of successes before and after, each (tasks, repeats), on rank 0; None elsewhere.

    Every rank calls this; ``request`` is rank 0's.
    """
    config = dataclasses.replace(config, run=dataclasses.replace(config.run, seed=seed))
    rounds = Rounds(world, Experiment(config, Phase.EVALUATE, tasks, repeats, training=False))
    if world.rank != 0:
        rounds.serve()
        return None
    assert request is not None
    reply = rounds.run(request)
    if np.isnan(reply.after).any():
        Explaining(rounds, partial(print, file=sys.stderr, flush=True)).ask()
    rounds.stop(0)
    return reply


def evaluate(options: argparse.Namespace, world: World) -> int:
    """The ``evaluate`` command on every rank; returns the exit code."""
    chosen: dict = {}
    here = os.getcwd()  # an environment of the user's may go elsewhere

    def prepare() -> str:
        trained = find_trained(options.results, options.at, options.set, options.seed, options.trust)
        place = Path(here, options.json or "-")
        if options.json and place.exists() and place.samefile(Path(here, options.results)):
            raise UsageError(f"--json {options.json}: that is the results file itself; another name is wanted.")
        if options.json and options.json != "-":
            from esmaml_mpi.results.replacing import check_replaceable  # it reads files, which workers do not

            check_replaceable(place, "--json ", b'"rollouts_per_adaptation"')
            try:  # now, and not when all has been computed
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"--json {options.json}: {error.strerror}.") from error
        tasks = _task_ids(options.tasks) if options.tasks else trained.test_tasks
        check_tasks(f"--tasks {show(options.tasks)}", tasks, trained.config)
        needed, limit = RETURN_BYTES * len(tasks) * options.repeats, machine_bytes()
        if needed > limit:
            raise UsageError(
                f"--repeats {options.repeats}: returns on {len(tasks)} tasks need {amount(needed)}, and this machine "
                f"has {amount(limit)} of memory."
            )
        chosen["request"] = Request(trained.iteration, 0, None, True, trained.theta, trained.observer, trained.subspace)
        return json.dumps({"config": trained.config.to_dict(), "tasks": tasks, "known": known_here()})

    told = json.loads(agree(world, prepare))
    adopt(told["known"])
    config, tasks = Config.from_dict(told["config"]), told["tasks"]
    reply = assess(world, config, chosen.get("request"), tasks, options.repeats, options.seed)
    if reply is not None:  # on rank 0
        _report(options, config, chosen["request"].iteration, tasks, reply, here)
    return 0


def _finite(rows: np.ndarray) -> list[list[float | None]]:
    """Values (tasks, repeats) for JSON, which has no number for what failed: None."""
    return [[value if math.isfinite(value) else None for value in row] for row in rows.tolist()]


def _report(
    options: argparse.Namespace, config: Config, iteration: int, tasks: list[int], reply: Reply, here: str
) -> None:
    before, after = reply.before, reply.after
    succeeded = (reply.success_before, reply.success_after)
    # Two more columns, and keys, where the environment says what a success is.
    told = bool(np.isfinite(succeeded[1]).any())
    if options.json:
        facts = dict(
            results=options.results,
            iteration=iteration,
            seed=options.seed,
            rollouts_per_adaptation=config.rollouts_per_adaptation,
            tasks=tasks,
            before=_finite(before),
            after=_finite(after),
        )
        if told:
            facts |= {"success_before": _finite(succeeded[0]), "success_after": _finite(succeeded[1])}
        facts |= {"adaptation": json_values(dataclasses.asdict(config.adaptation))}
        text = json.dumps(facts, indent=1, allow_nan=False)
        if options.json == "-":
            product(text)
            return
    product(
        f"{options.results}, parameters after {iteration} updates, {options.repeats} adaptations per "
        f"task of {config.rollouts_per_adaptation} rollouts each (mean +- standard error)"
    )
    columns = {"before": before, "after": after}
    if told:
        columns |= {"success before": succeeded[0], "success after": succeeded[1]}
    product(" ".join([f"{'task':>8}", *(f"{name:>20}" for name in columns)]))
    for i, task in enumerate(tasks):
        product(" ".join([f"{task:>8}", *(f"{_interval(values[i]):>20}" for values in columns.values())]))
    means = [np.array([finite_mean(row) for row in values]) for values in columns.values()]
    product(" ".join([f"{'mean':>8}", *(f"{_interval(values):>20}" for values in means)]) + "   (+- over tasks)")
    best = best_possible(config, tasks)
    if best is not None:
        product(f"the best possible mean is {best:.2f}")
    failed = int(np.count_nonzero(~np.isfinite(after)))
    if failed:
        print(f"{failed} of {after.size} adaptations failed and are left out", file=sys.stderr)
    if options.json:  # last, as it may fail
        try:
            from esmaml_mpi.results.atomic import replace_file

            replace_file(Path(here, options.json), (text + "\n").encode())
        except OSError as error:
            raise UsageError(f"--json {options.json}: {error.strerror}.") from error


def _interval(values: np.ndarray) -> str:
    """Mean and standard error of the values that are finite: failed adaptations have none."""
    values = values[np.isfinite(values)]
    if values.size < 2:
        return f"{values[0]:.2f}" if values.size else "failed"
    return f"{values.mean():.2f} +- {values.std(ddof=1) / np.sqrt(values.size):.2f}"


def _task_ids(text: str) -> list[int]:
    """ "0,2,5-7" -> [0, 2, 5, 6, 7]."""
    ids: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            if int(last or first) > MOST_TASK:
                raise UsageError(f"--tasks {show(text)}: ids of at most {MOST_TASK} are wanted.")
            ids += range(int(first), int(last or first) + 1)
    except UsageError:
        raise
    except ValueError:
        ids = []
    if not ids or min(ids) < 0 or len(set(ids)) < len(ids):
        raise UsageError(f"--tasks {show(text)}: distinct ids such as 0,2,5-7 are wanted.")
    return ids
