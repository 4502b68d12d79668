"""A trained meta-policy as a command names it: a results file, which of its parameters, and how to adapt them."""

import dataclasses
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from esmaml_mpi.adaptation.meta_parameters import layout, meta_size, own_size
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.consistency import check_adaptation
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import checked_overrides, load
from esmaml_mpi.config.makers import make_operator, make_policy
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.gradient_memory import GradientMemory
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import UsageError
from esmaml_mpi.meta import ALGORITHMS
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.rehearsal import check_memory
from esmaml_mpi.settings.fields import WORD, show
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import Interface

if TYPE_CHECKING:
    from esmaml_mpi.results.reader import Results


MOST_TASK = 10**7  # all tasks up to the largest id are made, which takes about 10 microseconds each


@dataclass(frozen=True)
class Trained:
    """Meta-parameters ``theta`` (d,) after ``iteration`` updates, the config they are adapted with, and what their
    policies take and give.
    """

    config: Config
    iteration: int
    theta: np.ndarray
    observer: Observer
    test_tasks: list[int]
    interface: Interface
    subspace: Subspace | None = None

    @property
    def policy(self) -> AnyPolicy:
        """What acts with such parameters."""
        return make_policy(self.config, self.interface)


def find_trained(
    path: str | PathLike[str], at: str, overrides: Iterable[str], seed: int, trust: bool = False
) -> Trained:
    """Read RESULTS to simulate its tasks; ``at``, ``overrides``, ``seed`` and ``trust`` are --at, --set, --seed and
    --trust. UserError if any is refused, or if the family cannot be had or has changed since.
    """
    from esmaml_mpi.config.code import places  # rank 0's business: workers stay lean
    from esmaml_mpi.results.code import changes, facts_of
    from esmaml_mpi.results.reader import read

    results = read(path)
    trained = trained_of(results, chosen_iteration(at), overrides, trust)
    config = trained.config.resolved(training=False)
    results.check_fits(Experiment(config, training=False).policy)
    for line in changes(results.launches[-1], facts_of(places(config).values())):
        print(f"esmaml: {line}", file=sys.stderr, flush=True)
    check_seed(seed)
    return dataclasses.replace(trained, config=config)


def trained_of(results: "Results", at: str | int, overrides: Iterable[str], trust: bool = False) -> Trained:
    """The meta-policy of ``results``, "last", "best" or that of an iteration, from the file alone: no family is made.

    Operator, sampler and policy are the user's own code if the file says so: UntrustedError unless the user has named
    it, now or before, or ``trust``. UserError if there is no such policy, or if an override is neither of [adaptation]
    nor the horizon, or does not fit.
    """
    if trust:
        results.trusted()
    iteration, theta, mean, std = results.parameters(at)
    overrides = checked_overrides(overrides)
    for override in overrides:
        key = override.partition("=")[0].strip()
        if not key.startswith("adaptation.") and key != "task.horizon":
            raise UsageError(f"--set {show(override)}: only adaptation.* and task.horizon can be changed here.")
    config = load(results.config, overrides, opened=("adaptation",))  # of the rest nothing is needed to adapt
    if not ALGORITHMS.is_ours(config.meta.algorithm) and make_policy(config, results.interface).size != theta.size:
        config = config.opened()  # its policy is not the network alone
    subspace, tasks = subspace_of(results, config), results.test_task_ids
    policy = make_policy(config, results.interface)
    theta = theta_for(results, config, policy, theta, overrides)
    trained = Trained(config, iteration, theta, Observer(mean, std), tasks, results.interface, subspace)
    check_adaptation(config, policy)
    check_memory(policy, config.policy.architecture)
    return trained


def theta_for(
    results: "Results", config: Config, policy: AnyPolicy, theta: np.ndarray, overrides: Iterable[str] = ()
) -> np.ndarray:
    """What of a run's ``theta`` the operator of ``config``, the run's with ``overrides``, adapts: all of it, or the
    policy's parameters (d,) alone where it needs no more. UsageError if it is one that the run has not trained for.
    """
    operator = make_operator(config)
    if theta.size == policy.size and not own_size(operator, policy):
        return theta
    trained = make_operator(results.config.opened("adaptation"))
    wanted, told = layout(operator, policy), f"--set {' '.join(overrides)}: with it"
    if wanted not in ([], layout(trained, policy)):
        raise UsageError(
            f"{told}, the operator has meta-parameters of its own, which this run has not trained, as its "
            f"adaptation.operator is {trained.operator!r}; as it was trained, or an operator without, is wanted."
        )
    if theta.size != meta_size(trained, policy):
        raise UsageError(
            f"{told}, policies have {policy.size} parameters, and theta of this run has {theta.size}; an operator for "
            "policies of the kind that was trained is wanted."
        )
    return theta if wanted else theta[: policy.size]


def chosen_iteration(at: str) -> str | int:
    """What --at says; UsageError if that is neither last, best nor a number."""
    try:
        return at if at in ("last", "best") else int(at)
    except ValueError:
        raise UsageError(f"--at {at}: last, best or an iteration is wanted.") from None


def check_seed(seed: int) -> None:
    """Raise UsageError unless it is one."""
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed < WORD:
        raise UsageError(f"--seed {show(seed)}: a seed from 0 to 2**63 - 1 is wanted.")


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
