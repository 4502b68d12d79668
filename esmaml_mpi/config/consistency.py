"""What one setting cannot know: values that depend on the task family, and settings that contradict each other."""

import contextlib
import dataclasses
import sys
import threading
from collections.abc import Iterator
from typing import TypeVar

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.adaptation.meta_parameters import meta_size, own_size
from esmaml_mpi.config.makers import make_algorithm, make_operator, make_policy
from esmaml_mpi.config.memory import check_memory
from esmaml_mpi.config.rehearsals import rehearse_parts
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.errors import ConfigError, FamilyError
from esmaml_mpi.meta.optimizers import OPTIMIZERS, make_optimizer
from esmaml_mpi.meta.schedules import schedule
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.rehearsal import check_memory as rehearse_policy
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline, exit_at_once, remark_after
from esmaml_mpi.settings.fields import parse, show
from esmaml_mpi.settings.sections import MetaSettings, RunSettings, Sections, TaskSettings
from esmaml_mpi.tasks import make_family, options_of
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.rehearsal import rehearse

DEFAULT_TRAIN_SIZE = 50
SHORTEST_TIMEOUT = 0.01  # seconds; shorter ones would end processes that are merely busy
PATIENCE = 20.0  # seconds for a family's first steps, as a library that it uses may take long to load
MOST_NAME_BYTES = 240  # file systems allow 255, and the file beside it that is being written has a longer name


ConfigType = TypeVar("ConfigType", bound=Sections)


def resolve(config: ConfigType, training: bool) -> ConfigType:
    """A copy of a Config with every derived setting filled in; see ``Config.resolved``."""
    _check_run(config.run, training)
    with _limited(config):
        family = make_family(config.task.name, config.task.horizon, config.task.options)
    _check_threads(config, family)
    resolved = dataclasses.replace(config, task=_task_settings(config, family))
    _check_sharing(config, family)
    policy = make_policy(resolved, family)
    check_steps(config.meta)
    if training:
        with _naming("meta"):
            make_algorithm(resolved).check(meta_size(make_operator(resolved), policy))
    check_adaptation(resolved, policy)
    check_memory(resolved, family, training)
    doubts = rehearse_parts(resolved, policy, family.action_size)
    rehearse_policy(policy, config.policy.architecture)
    with _limited(config):
        rehearsal = rehearse(family)
    doubts += rehearsal.warnings(config.task.name)
    doubts += _outliers_alone(resolved) if training else []
    for warning in [*getattr(family, "model_warnings", ()), *doubts]:
        print(f"esmaml: {warning}", file=sys.stderr, flush=True)
    return resolved


@contextlib.contextmanager
def _limited(config: Sections) -> Iterator[None]:
    """The time that a family's first steps may take, or at least a remark where an environment of the user's hangs."""
    name, limit = config.task.name, config.run.unit_timeout
    remark = (
        f"esmaml: task family {name!r} is being made and tried, for {PATIENCE:g} s now. If it hangs, Ctrl-C shows "
        "where; with run.unit_timeout it is given up."
    )
    limit = max(limit, PATIENCE) if limit and _in_main_thread() else 0.0
    try:
        with remark_after(PATIENCE, remark), deadline(limit, exit_at_once):
            yield
    except DeadlineExceeded as error:
        raise FamilyError(
            f"task family {name!r}: it was not made, or its first steps were not done, after {limit:g} s: it hangs in "
            f"{error} (run.unit_timeout)."
        ) from error


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _check_threads(config: Sections, family: TaskFamily) -> None:
    if config.run.threads > 1 and getattr(family, "threads_share", False):
        raise ConfigError(
            f"run.threads = {config.run.threads}: with task.options.instances = 1 one episode at a time may be under "
            'way in a process; run.threads = 1 with more ranks, or task.options.isolation = "process", is wanted.'
        )


def _task_settings(config: Sections, family: TaskFamily) -> TaskSettings:
    """Horizon, options and how many tasks are used."""
    count = family.task_count
    task = dataclasses.replace(config.task, horizon=family.horizon, options=options_of(family))
    # (N, N, N) for a family of few tasks, else (50, 5, 5)
    few = count if count is not None and count <= DEFAULT_TRAIN_SIZE else None
    train = task.train_size if task.train_size is not None else few or DEFAULT_TRAIN_SIZE
    batch = task.batch_size if task.batch_size is not None else min(few or 5, train)
    left = max(count - train, 0) if count is not None else 5
    test = task.test_size if task.test_size is not None else (left or few) if few else max(1, min(5, left))
    task.train_size, task.batch_size, task.test_size = train, batch, test
    if batch > train:
        raise ConfigError(
            f"task.batch_size = {batch}: tasks are drawn without replacement, so at most task.train_size = {train}."
        )
    if count is not None and max(train, test) > count:
        raise ConfigError(
            f"task.train_size = {train}, task.test_size = {test}: {task.name} has only {count} distinct tasks."
        )
    if count is not None and train != count and train + test > count:
        raise ConfigError(
            f"task.train_size = {train}, task.test_size = {test}: {task.name} "
            f"has {count} tasks; use all of them for both "
            f"(train_size = test_size = {count}) or keep training and test tasks disjoint (their "
            f"sum at most {count})."
        )
    if count is not None and train == count and test != count:
        raise ConfigError(
            f"task.test_size = {test}: all {count} tasks of {task.name} are training "
            f"tasks, so task.test_size must be {count} too."
        )
    return task


def check_steps(meta: MetaSettings) -> None:
    """ConfigError unless the optimizer takes its options, and the schedule of its steps is one."""
    if OPTIMIZERS.is_ours(meta.optimizer):  # the user's are tried in ``rehearse_parts``
        make_optimizer(meta)
    schedule(meta, "step_size_schedule")


def _check_sharing(config: Sections, family: TaskFamily) -> None:
    if config.adaptation.share_rollouts and not getattr(family, "tasks_share_dynamics", False):
        raise ConfigError(
            f"adaptation.share_rollouts = true: tasks of {config.task.name} differ in more than their rewards, so that "
            "a rollout on one says nothing of the others; false is wanted."
        )
    if config.adaptation.share_rollouts and config.adaptation.draws == "by_task":
        raise ConfigError(
            "adaptation.draws = 'by_task': with adaptation.share_rollouts = true the tasks of an evaluation try the "
            "same policies; 'fresh' or 'fixed' is wanted."
        )


def check_adaptation(config: Sections, policy: AnyPolicy) -> None:
    """Raise ConfigError unless policies of this kind can be adapted as [adaptation] says: whether samplers and decoders
    can do with the numbers of queries and parameters that they will get, and what the operator needs of a policy.
    """
    dimension, operator = policy.size, make_operator(config)
    sampler = make_sampler(config.adaptation.directions, config.adaptation.direction_options, "adaptation")
    with _naming("adaptation"):
        sampler.check(dimension, operator.directions_at_once)
        if hasattr(operator, "check_dimension"):
            operator.check_dimension(dimension)
    if sampler.uses_basis and own_size(operator, policy):
        raise ConfigError(
            f"adaptation.directions = {config.adaptation.directions!r}: it uses the subspace of earlier "
            f"meta-gradients, and adaptation.operator = {operator.operator!r} has meta-parameters of its own, which no "
            "policy acts with; 'gaussian' is wanted."
        )
    if getattr(operator, "uses_recordings", False) and not policy.noise_per_step:
        raise ConfigError(
            f"adaptation.operator = {operator.operator!r}: it needs a policy that acts at random, and meta.algorithm = "
            f"{config.meta.algorithm!r} trains one that does not."
        )
    if config.adaptation.scored_by == "trials" and not getattr(operator, "returns_tried", False):
        raise ConfigError(
            f'adaptation.scored_by = "trials": adaptation.operator = {operator.operator!r} may return a policy that it '
            'has not tried, whose reward is not known then; "rollouts" is wanted.'
        )
    if config.adaptation.sees_rewards:
        _check_lifelong(config, policy)
    corruption = parse(RewardCorruption, config.task.corruption, "task.corruption")
    for each in getattr(operator, "operators", (operator,)):
        exposed = each.queries_at_once - (each.pivot_last(0) and not corruption.corrupt_pivot)
        if corruption.fraction and corruption.relative and exposed < 2:
            raise ConfigError(
                f"task.corruption.relative = true: {each.operator} measures one reward at a time, which has no spread "
                "to put an outlier at a distance by; relative = false is wanted, with outlier_scale in reward units."
            )


def _outliers_alone(config: Sections) -> list[str]:
    """What there is to say of outliers that may be none, of operators that measure some policy by itself."""
    corruption = parse(RewardCorruption, config.task.corruption, "task.corruption")
    operator = make_operator(config)
    alone = [each.operator for each in getattr(operator, "operators", (operator,)) if _measures_one(each)]
    if not (corruption.fraction and corruption.relative and alone):
        return []
    return [
        f"task.corruption.relative = true: {', '.join(alone)} measures some policies alone. Where the same one always "
        "earns the same there is no spread then, and an outlier is the reward itself: fewer are corrupted than "
        "task.corruption.fraction says. With relative = false outlier_scale is in reward units, and all are."
    ]


def _measures_one(operator: Operator) -> bool:
    return getattr(operator, "fewest_at_once", 2) < 2


def _check_lifelong(config: Sections, policy: AnyPolicy) -> None:
    """What an operator asks for whose policy learns from the rewards that it sees."""
    operator, inner = make_operator(config).operator, getattr(policy, "inner", policy)
    if not getattr(inner, "state_size", 0):
        why = "it remembers nothing" if hasattr(inner, "state_size") else "it has no state_size"
        raise ConfigError(
            f"policy.architecture = {config.policy.architecture!r}: {why}, and adaptation.operator = {operator!r} "
            "adapts by what its policy remembers; 'gru' or 'elman' is wanted."
        )
    if config.task.rollouts != 1:
        raise ConfigError(
            f"task.rollouts = {config.task.rollouts}: adaptation.operator = {operator!r} has one episode after the "
            "other, whose rewards are not averaged; 1 is wanted."
        )
    if any(config.task.corruption.get(key) for key in ("fraction", "noise_std")):
        raise ConfigError(
            f"task.corruption = {config.task.corruption!r}: adaptation.operator = {operator!r} shows its policy the "
            "reward of each step as it is; {} is wanted."
        )


@contextlib.contextmanager
def _naming(section: str) -> Iterator[None]:
    """Say which section an error is about, where it does not itself."""
    try:
        yield
    except ConfigError as error:
        if f"{section}." in str(error):
            raise
        raise ConfigError(f"[{section}] {error}") from error


def _check_run(run: RunSettings, training: bool) -> None:
    if 0 < run.unit_timeout < SHORTEST_TIMEOUT:
        raise ConfigError(
            f"run.unit_timeout = {run.unit_timeout}: 0 for no limit, or at least {SHORTEST_TIMEOUT} seconds, is "
            "wanted; a process that has not stopped after twice the time is ended."
        )
    if run.unit_timeout and run.threads > 1:
        raise ConfigError(
            f"run.unit_timeout = {run.unit_timeout}: needs run.threads = 1, not {run.threads}, as only "
            "a rank's main thread can be interrupted."
        )
    if run.unit_timeout and training and not _in_main_thread():
        raise ConfigError(
            f"run.unit_timeout = {run.unit_timeout}: only the main thread can be interrupted, and this is another one; "
            "0 is wanted, or training in the main thread."
        )
    name = run.name
    if not name or any(c in name for c in "/\\") or not name.isprintable():
        raise ConfigError(
            f"run.name = {show(name)}: a non-empty name without slashes and line ends is wanted; use "
            "--output for another folder."
        )
    if len(name.encode()) > MOST_NAME_BYTES:
        raise ConfigError(f"run.name = {show(name)}: a file name of at most {MOST_NAME_BYTES} bytes is wanted.")
