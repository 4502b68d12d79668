"""A trained meta-policy as a command names it: a results file, which of its parameters, and how to adapt them."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import checked_overrides, load
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.gradient_memory import GradientMemory
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.settings.fields import WORD, show
from esmaml_mpi.tasks import make_family

if TYPE_CHECKING:
    from esmaml_mpi.results.reader import Results


MOST_TASK = 10**7  # all tasks up to the largest id are made, which takes about 10 microseconds each


@dataclass(frozen=True)
class Trained:
    """Meta-parameters ``theta`` (d,) after ``iteration`` updates, and the config they are adapted with."""

    config: Config
    iteration: int
    theta: np.ndarray
    observer: Observer
    test_tasks: list[int]
    subspace: Subspace | None = None


def find_trained(path: str | PathLike[str], at: str, overrides: Iterable[str], seed: int) -> Trained:
    """Read RESULTS; ``at``, ``overrides`` and ``seed`` are --at, --set and --seed. UserError if any is refused."""
    from esmaml_mpi.results.reader import read  # rank 0's business: workers stay lean

    trained = trained_of(read(path), at if at in ("last", "best") else _iteration(at), overrides)
    if not 0 <= seed < WORD:
        raise UsageError(f"--seed {seed}: a seed from 0 to 2**63 - 1 is wanted.")
    return trained


def trained_of(results: "Results", at: str | int, overrides: Iterable[str]) -> Trained:
    """The meta-policy of ``results``, "last", "best" or that of an iteration. UserError if there is none, or if an
    override is not of [adaptation] or does not fit.
    """
    iteration, theta, mean, std = results.parameters(at)
    overrides = checked_overrides(overrides)
    for override in overrides:
        if not override.startswith("adaptation."):
            raise UsageError(f"--set {show(override)}: only adaptation.* can be changed here.")
    config = load(results.config, overrides).resolved(training=False)
    results.check_fits(Experiment(config).policy)
    observer = Observer(mean, std)
    return Trained(config, iteration, theta, observer, results.test_task_ids, subspace_of(results, config))


def subspace_of(results: "Results", config: Config) -> Subspace | None:
    """What the run's meta-gradients, all that its last checkpoint remembers, suggest to samplers that use it."""
    if not make_sampler(config.adaptation.directions, config.adaptation.direction_options).uses_basis:
        return None
    meta, remembered = config.meta, results.checkpoint.get("memory")
    if remembered is None:
        return Subspace.unknown(len(results.checkpoint["theta"]))
    return GradientMemory.from_arrays(remembered, meta.memory_rows, meta.memory_decay).subspace(meta.memory_threshold)


def check_tasks(flag: str, ids: list[int], config: Config) -> None:
    """Raise UsageError, which names ``flag`` with its value, unless the family has these tasks."""
    count = make_family(config.task.name, config.task.horizon, config.task.options).task_count
    if count is not None and max(ids) >= count:
        raise UsageError(f"{flag}: {config.task.name} has tasks 0 to {count - 1}.")


def _iteration(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--at {text}: last, best or an iteration is wanted.") from None
