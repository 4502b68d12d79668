"""Whether a model still scores what the catalogue states: it is evaluated again, with the same seed."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.foreign import foreign
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.parallel.world import World
from esmaml_mpi.trained.evaluation import assess
from esmaml_mpi.trained.from_file import find_trained
from esmaml_mpi.zoo.catalogue import Model, Scores

STANDARD_ERRORS = 4.0
SHARE_OF_GAIN = 0.1


@dataclass(frozen=True)
class Verdict:
    """What an evaluation found: ``same_bits``, or how it compares. ``good``: as stated."""

    scores: Scores
    same_bits: bool
    good: bool


def scored(path: str, seed: int, repeats: int) -> Scores:
    """Evaluate a results file on its test tasks. UserError if its family cannot be had."""
    trained = find_trained(path, "last", (), seed)
    request = Request(trained.iteration, 0, None, True, trained.theta, trained.observer, trained.subspace)
    reply = assess(World(), trained.config, request, trained.test_tasks, repeats, seed)
    assert reply is not None  # this is rank 0
    returns = before, after = reply.before, reply.after
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(each, "<f8").tobytes() for each in returns)).hexdigest()
    return Scores(_mean(before), _mean(after), _error(before), _error(after), trained.test_tasks, repeats, seed, digest)


def is_exact(config: Config) -> bool:
    """Whether all arithmetic of a resolved config is this package's own."""
    return not foreign(config)


def verify(model: Model) -> Verdict:
    """Evaluate a model as its stated scores were.

    It is as stated if all returns have the same bits. Where libraries compute the task, it also is if both means are
    within ``interval`` of the stated ones.
    """
    model.content()
    found, stated = scored(str(model.path), model.scores.seed, model.scores.repeats), model.scores
    same = found.digest == stated.digest
    near = not model.exact and all(
        abs(getattr(found, name) - getattr(stated, name)) <= interval(stated, name) for name in ("before", "after")
    )
    return Verdict(found, same, same or near)


def interval(stated: Scores, name: str) -> float:
    """How far a score may be from the stated one where libraries compute the task.

    Four standard errors of a difference of two such means, as rounding errors grow until the episodes are as good as
    drawn anew; and a tenth of what adaptation gains, as episodes without any randomness have no spread of their own.
    """
    error: float = getattr(stated, f"{name}_error")
    return max(STANDARD_ERRORS * math.sqrt(2.0) * error, SHARE_OF_GAIN * abs(stated.after - stated.before))


def _mean(returns: np.ndarray) -> float:
    """Over all; exact sums, so that it does not depend on the processor."""
    return math.fsum(returns.ravel().tolist()) / returns.size


def _error(returns: np.ndarray) -> float:
    """Standard error of that mean over the repeats (tasks, repeats) of these tasks."""
    tasks, repeats = returns.shape
    variances = np.var(returns, axis=1, ddof=1) / repeats
    return float(math.sqrt(math.fsum(variances.tolist())) / tasks)
