"""Equal rollouts: how many iterations a run has for its budget, and after which of them it is tested."""

import contextlib
import hashlib
import io
from dataclasses import replace

from esmaml_mpi.config.config import Config, flat
from esmaml_mpi.errors import ConfigError, counted
from esmaml_mpi.training.from_python import train

LENGTHS = ("run.", "meta.iterations", "test.", "checkpoint.")


def within(config: Config, rollouts: int, tests: int, each: int) -> Config:
    """``config`` with the most iterations whose training rollouts, ``each`` an iteration, are not above ``rollouts``
    and which ``tests`` tests cut into equal parts. ConfigError if the budget has not an iteration for each test.
    """
    every = rollouts // (each * tests)
    if every < 1:
        raise ConfigError(
            f"tune.rollouts = {rollouts}: an iteration takes {counted(each, 'rollout')}, so that at least "
            f"{each * tests} are wanted for tune.tests = {tests} tests, or fewer tests."
        )
    meta = replace(config.meta, iterations=every * tests)
    return replace(config, meta=meta, test=replace(config.test, every=every))


def rollouts_of_iteration(config: Config) -> int:
    """Training rollouts of an iteration under a resolved ``config``, counted by making one in this process.

    Counting needs no formula of each algorithm and operator, and holds for the user's own.
    """
    meta, test = replace(config.meta, iterations=1), replace(config.test, every=0, repeats=1)
    with contextlib.redirect_stderr(io.StringIO()):
        results = train(replace(config, meta=meta, test=test), quiet=True, trust=True)
    return int(results.history["train"]["rollouts"][0])


def counts(config: Config) -> str:
    """What the rollouts of an iteration depend on, as a key: all settings but seed, name, lengths of training and of
    tests, and numbers that are no counts.
    """
    settings = {key: value for key, value in flat(config.to_dict()).items() if not key.startswith(LENGTHS)}
    text = repr([(key, value) for key, value in sorted(settings.items()) if type(value) is not float])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
