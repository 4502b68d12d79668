"""What one more trial of a policy is expected to gain where rewards vary: by how much the highest mean will rise.

The knowledge gradient (Frazier, Powell and Dayanik 2008, "A knowledge-gradient policy for sequential information
collection", equations 10 to 13) for policies of which nothing is known but their trials, whose noise is normal and has
one variance.
"""

import math

import numpy as np

from esmaml_mpi.native import door

TERMS = 20  # of a continued fraction: gains are then right to 0.1 %


def expected_gain(means: np.ndarray, counts: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Gains (..., n), in units of reward, of one more trial of each of n policies, which have means (..., n) of counts
    (..., n) trials; variance (...) of one reward.

    A mean of c trials will move by s z, z ~ N(0, 1), s^2 = variance / (c (c + 1)). The highest mean rises if that
    takes it past the best of the others, or if the leader rises. A failed policy, whose mean is -inf, gains nothing.
    """
    leader = np.argmax(means, axis=-1, keepdims=True)
    others = np.repeat(np.take_along_axis(means, leader, axis=-1), means.shape[-1], axis=-1)
    rest = means.copy()
    np.put_along_axis(rest, leader, -np.inf, axis=-1)
    np.put_along_axis(others, leader, rest.max(axis=-1, keepdims=True), axis=-1)
    moves = np.sqrt(variance[..., None] / (counts * (counts + 1.0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.abs(means - others) / moves
    known = np.isfinite(distances)
    found: np.ndarray = np.where(known, moves * excess(np.where(known, distances, 0.0)), 0.0)
    return found


def excess(t: np.ndarray) -> np.ndarray:
    """E max(z - t, 0) of a standard normal z, for t >= 0: phi(t) (1 - t M(t)), where M is Mills' ratio.

    M(t) = 1 / (t + k), k = 1 / (t + 2 / (t + 3 / ...)), so that 1 - t M = k / (t + k), without a difference of near
    equals.
    """
    rest = (t + np.sqrt(t * t + 4.0 * (TERMS + 1))) / 2.0  # where the terms no longer change
    for n in range(TERMS, 1, -1):
        rest = t + n / rest
    fraction = 1.0 / rest
    density = door.exp(-t * t / 2.0) / math.sqrt(2.0 * math.pi)
    found: np.ndarray = density * fraction / (t + fraction)
    return found
