"""Every random number of a run, keyed by what it is for and never by who computes it.

A stream is a Philox4x64-10 counter generator (Salmon et al., SC 2011) whose 128-bit key and upper 192 counter bits
*are* the indices of the thing being drawn. Two different keys therefore never overlap (no hashing is involved), and
any rank can regenerate any stream. Each stream holds 2**66 numbers.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from esmaml_mpi.native import normals

TASK_WORD, UNIT_WORD = 3, 4  # where a key has its task, with the step, and its unit
_WORDS = struct.Struct(f"={normals.WORDS}Q")


class Purpose(IntEnum):
    """What a stream is used for. Values are part of the reproducibility contract: append, never renumber."""

    INITIAL_POLICY = 1  # meta-parameters at iteration 0
    TASK = 2  # parameters of one task, keyed by its id
    TASK_BATCH = 3  # which tasks a unit adapts to
    PERTURBATION = 4  # one outer direction
    ADAPTATION = 5  # the randomness of an adaptation operator
    QUERY_EPISODE = 6  # noise inside the rollouts of an adaptation
    BEFORE_EPISODE = 7  # noise inside the rollout of the unadapted policy
    AFTER_EPISODE = 8  # noise inside the rollout of the adapted policy
    SHARED_ADAPTATION = 9  # ADAPTATION where all tasks of a unit try the same policies
    SHARED_EPISODE = 10  # QUERY_EPISODE of a rollout that is priced for all tasks of a unit
    CORRUPTION = 11  # noise and outliers of measured rewards
    # What policies that act at random draw, for the episodes of these purposes.
    QUERY_ACTIONS = 12
    BEFORE_ACTIONS = 13
    AFTER_ACTIONS = 14
    SHARED_ACTIONS = 15


class Phase(IntEnum):
    """Which part of a run asks: the same unit number means different things in each."""

    TRAIN = 0
    TEST = 1
    EVALUATE = 2


@dataclass(frozen=True)
class Round:
    """One collective evaluation: the part of a key that all of its units share.

    ``attempt`` counts redraws of an iteration in which too many units failed.
    """

    phase: Phase
    iteration: int
    attempt: int = 0


SETUP = Round(Phase.TRAIN, 0)


class Streams:
    """All streams of one seed (0 <= seed < 2**63)."""

    def __init__(self, seed: int):
        self.seed = int(seed)

    def generator(
        self, purpose: Purpose, at: Round = SETUP, *, unit: int = 0, task: int = 0, step: int = 0
    ) -> np.random.Generator:
        """A generator of its own for one key."""
        return normals.generator(np.frombuffer(self._key(purpose, at, unit, task, step), dtype=np.uint64))

    def fill_normals(
        self, out: np.ndarray, purpose: Purpose, at: Round, *, unit: int = 0, task: int = 0, step: int = 0
    ) -> None:
        """Fill ``out`` (float64) with the stream's first standard normals.

        Same numbers as ``generator(...).standard_normal(out.shape)``. It is contiguous, or has two dimensions of which
        the last is.
        """
        rows = out if out.ndim == 2 else out.reshape(1, -1)
        normals.fill(rows[:, None], self._key(purpose, at, unit, task, step))

    def fill_normals_of_each(
        self, out: np.ndarray, purpose: Purpose, at: Round, *, units: np.ndarray, tasks: np.ndarray, step: int = 0
    ) -> None:
        """Fill ``out[:, k]`` of ``out`` (d, K, count), whose last axis is contiguous, as ``fill_normals`` does for
        ``units[k]`` and ``tasks[k]``: K streams in one go.
        """
        keys = np.empty((out.shape[1], normals.WORDS), dtype=np.uint64)
        keys[:] = np.frombuffer(self._key(purpose, at, 0, 0, 0), dtype=np.uint64)
        keys[:, TASK_WORD], keys[:, UNIT_WORD] = tasks << 32 | step, units
        normals.fill(out, keys.tobytes())

    def _key(self, purpose: Purpose, at: Round, unit: int, task: int, step: int) -> bytes:
        what = int(purpose) | int(at.phase) << 8 | int(at.attempt) << 16
        return _WORDS.pack(self.seed, what, 0, int(task) << 32 | int(step), int(unit), int(at.iteration))
