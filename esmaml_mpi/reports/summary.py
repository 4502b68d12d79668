"""A run in a few facts, as plain values that JSON can hold."""

import contextlib
import dataclasses
import os
import time

import numpy as np

from esmaml_mpi.config.choices import CHOICES
from esmaml_mpi.config.config import Config, changed_keys
from esmaml_mpi.config.unopened import Unopened
from esmaml_mpi.errors import UserError
from esmaml_mpi.estimators.rewards import best_test, finite_mean
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.lock import writer_of
from esmaml_mpi.results.reader import Results
from esmaml_mpi.settings.fields import json_values
from esmaml_mpi.settings.sections import TaskSettings
from esmaml_mpi.sweeps.state import COMPLETE, is_complete
from esmaml_mpi.tasks import FAMILIES, make_family, options_of

RECENT = 50  # iterations that the rate is of
DERIVED = tuple(f"task.{f.name}" for f in dataclasses.fields(TaskSettings) if f.metadata and f.default is None)


def summarize(results: Results) -> dict:
    """What ``esmaml info`` prints. Rewards are means over test tasks and repeats of those that did not fail."""
    config = results.config
    return {
        "file": str(results.path),
        "name": config.run.name,
        "state": _state(results),
        "task": {
            "family": config.task.name,
            "train_size": config.task.train_size,
            "batch_size": config.task.batch_size,
            "test_tasks": results.test_task_ids,
            "horizon": config.task.horizon,
        },
        "policy": {"hidden": config.policy.hidden, "parameters": int(results.checkpoint["theta"].size)},
        "algorithm": config.meta.algorithm,
        "operator": config.adaptation.operator,
        "rollouts_per_adaptation": results.rollouts_per_adaptation,
        "tests": _tests(results),
        "time": _time(results),
        "trouble": _trouble(results),
        "launches": results.launches,
        "not_default": {
            key: {"default": json_values(default), "value": json_values(value)}
            for key, (default, value) in _not_default(config).items()
        },
    }


def _state(results: Results) -> dict:
    assert results.path is not None  # of a file
    done, writer = int(results.checkpoint["iteration"]), writer_of(results.path)
    kind = COMPLETE if is_complete(results, results.config.meta.iterations) else ("running" if writer else "incomplete")
    written = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(os.path.getmtime(results.path)))
    return {
        "kind": kind,
        "iteration": done,
        "iterations": results.config.meta.iterations,
        "last_write": written,
        "writer": writer,
    }


def _tests(results: Results) -> dict:
    """The first, best and last test; without those that there are not."""
    test = results.history["test"]
    rows = [
        {"iteration": int(i), "before": _number(finite_mean(b)), "after": _number(finite_mean(a))}
        for i, b, a in zip(test["iteration"], test["before"], test["after"], strict=True)
    ]
    if not rows:
        return {}
    if np.isfinite(test["success_after"]).any():  # the environment says what a success is
        for row, b, a in zip(rows, test["success_before"], test["success_after"], strict=True):
            row |= {"success_before": _number(finite_mean(b)), "success_after": _number(finite_mean(a))}
    which = best_test(test["after"])
    best = {} if which is None else {"best": rows[which]}
    return {"first": rows[0], **best, "last": rows[-1]}


def _time(results: Results) -> dict:
    """Seconds in all and by what they were spent on, the rate of the latest iterations, and what is left at it."""
    train, timing = results.history["train"], results.history["timing"]
    total, recent = float(train["seconds"].sum()), train["seconds"][-RECENT:]
    spent = {name: float(timing[name].sum()) for name in GROUPS["timing"] if name != "iteration"}
    facts: dict = {
        "seconds": total,
        "spent": {**spent, "other": max(total - sum(spent.values()), 0.0)},
        "rollouts": int(train["rollouts"].sum()),
        "env_steps": int(train["env_steps"].sum()),
    }
    if recent.sum() > 0:
        rate = len(recent) / float(recent.sum())
        facts["iterations_per_second"] = rate
        facts["rollouts_per_second"] = float(train["rollouts"][-RECENT:].sum() / recent.sum())
        facts["seconds_left"] = (results.config.meta.iterations - int(results.checkpoint["iteration"])) / rate
    return facts


def _trouble(results: Results) -> dict:
    train, recovery, test = (results.history[group] for group in ("train", "recovery", "test"))
    return {
        "evaluations": int(train["values"].size),
        "failed_evaluations": int(train["failed_units"].sum()),
        "redraws": int(train["redraws"].sum()),
        "failed_test_adaptations": int(np.count_nonzero(~np.isfinite(test["after"]))),
        "recoveries": len(recovery["iteration"]),
        "ranks_lost": int(recovery["ranks_lost"].sum()),
    }


def _not_default(config: Config) -> dict[str, tuple]:
    """Settings that are not the defaults: name -> (default, value).

    Keys of an operator, an algorithm or a family are compared with its own defaults. How many tasks there are and how
    long they last is the family's business unless it is set, and is told with the task.
    """
    chosen = {section: {each.key: getattr(getattr(config, section), each.key)} for section, each in CHOICES.items()}
    defaults = Config.parsed({**chosen, "task": {"name": config.task.name}}, opened=False, known=False)
    for section in CHOICES:  # what its own code has for defaults is not known
        if isinstance(getattr(config, section), Unopened):
            setattr(defaults, section, getattr(config, section))
    defaults.task.options = config.task.options
    if FAMILIES.is_ours(config.task.name):
        with contextlib.suppress(UserError):  # a family whose library this machine does not have
            defaults.task.options = options_of(make_family(config.task.name))
    changed = changed_keys(defaults, config)
    for key, (default, value) in changed_keys(Config(), config).items():
        if key in ("task.name", *(f"{section}.{each.key}" for section, each in CHOICES.items())):
            changed[key] = (default, value)
    return {key: changed[key] for key in sorted(changed) if key not in DERIVED}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
