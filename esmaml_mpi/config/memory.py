"""How much memory a config needs at the least, so that one that cannot fit is refused before anything is started.

Counted is what a single process must hold however many others share the work: one evaluation, rank 0's rows, the
results so far. What the family allocates for itself is not known and not counted.
"""

import os
from dataclasses import dataclass

from esmaml_mpi.adaptation.meta_parameters import meta_size
from esmaml_mpi.config.makers import make_algorithm, make_operator, make_policy
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.rollouts.simulate import block_size
from esmaml_mpi.settings.fields import show
from esmaml_mpi.settings.sections import Sections, known
from esmaml_mpi.tasks.family import TaskFamily

NUMBER = 8  # bytes of a float64
ARRAY = 112  # bytes of a NumPy array beside its data
SERIES = 14  # numbers that each iteration adds to the results beside the evaluations' values


@dataclass(frozen=True)
class Need:
    """Bytes, what they hold, and the settings that decide how many."""

    bytes: int
    what: str
    keys: tuple[str, ...]


def needs(config: Sections, family: TaskFamily, training: bool = True) -> list[Need]:
    """What one process must hold for a resolved config; ``training``: with the results of a whole run."""
    task, meta, test = config.task, config.meta, config.test
    horizon, train_size, test_size = known(task.horizon), known(task.train_size), known(task.test_size)
    policy, operator = make_policy(config, family), make_operator(config)
    algorithm = make_algorithm(config) if training else None
    d, n = meta_size(operator, policy), policy.observation_size
    tasks = algorithm.tasks_at_once if algorithm else 1
    asked, asking = operator.queries_at_once, operator.counts
    if algorithm and algorithm.queries_at_once > asked:
        asked, asking = algorithm.queries_at_once, algorithm.counts
    rollouts = asked * tasks * task.rollouts
    block = min(block_size(policy, family), max(rollouts, 2))
    found = [
        Need(4 * NUMBER * d, "the parameters", ("policy.hidden",)),
        Need(
            2 * NUMBER * d * max(rollouts, operator.directions_at_once * tasks),
            "the queries of one evaluation",
            (*asking, "task.batch_size", "task.rollouts", "policy.hidden"),
        ),
        Need(
            NUMBER * (family.noise_size + policy.noise_per_step * horizon) * rollouts,
            "the noise of one evaluation",
            (*asking, "task.batch_size", "task.rollouts", "task.horizon"),
        ),
        Need(
            NUMBER * config.run.threads * (horizon + 1) * n * block,
            "the observations of simulated episodes",
            ("task.horizon", "run.threads"),
        ),
        Need(
            (ARRAY + NUMBER) * (train_size + test_size),
            "the table of tasks",
            ("task.train_size", "task.test_size"),
        ),
        Need(10 * NUMBER * test_size * test.repeats, "the returns of a test", ("test.repeats", "task.test_size")),
    ]
    if algorithm is None:
        return found
    if config.adaptation.scored_by == "trials":  # all that was tried is kept until it is known what is returned
        keys = ("adaptation.scored_by", *operator.counts, "task.batch_size", "policy.hidden")
        found.append(Need(NUMBER * d * tasks * operator.rollouts, "the trials of one evaluation", keys))
    if algorithm.directions_held:
        keys = ("meta.directions", *algorithm.counts, "policy.hidden")
        needed = 2 * NUMBER * d * algorithm.directions_held
        found.append(Need(needed, "the directions of an iteration, drawn jointly", keys))
    evaluations, counts = algorithm.evaluations, algorithm.counts
    tests = 1 + (-(-meta.iterations // test.every) if test.every else 0)
    row = NUMBER * (d + 2 * n + 4 * test_size * test.repeats)
    return [
        *found,
        Need(6 * NUMBER * evaluations, "the results of an iteration", counts),
        # Twice: in the history, and in the file's image while it is written.
        Need(
            2 * NUMBER * meta.iterations * (evaluations + SERIES),
            "the results of all iterations",
            ("meta.iterations", *counts),
        ),
        Need(
            2 * tests * row,
            "the parameters and test returns over time",
            ("meta.iterations", "test.every", "test.repeats", "task.test_size", "policy.hidden"),
        ),
    ]


def check_memory(config: Sections, family: TaskFamily, training: bool = True) -> None:
    """Raise ConfigError if a resolved config needs more memory than this machine has."""
    found, limit = needs(config, family, training), machine_bytes()
    total, largest = sum(need.bytes for need in found), max(found, key=lambda need: need.bytes)
    if total <= limit:
        return
    settings = ", ".join(f"{key} = {_value(config, key)}" for key in dict.fromkeys(largest.keys))
    raise ConfigError(
        f"{settings}: one process needs at least {amount(total)} of memory, {amount(largest.bytes)} of it for "
        f"{largest.what}, and this machine has {amount(limit)}. Make one of them smaller"
        f"{', or test.every larger' if 'test.every' in largest.keys else ''}."
    )


def machine_bytes() -> int:
    """Physical memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def amount(size: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _value(config: Sections, key: str) -> str:
    section, name = key.split(".")
    return show(getattr(getattr(config, section), name))
