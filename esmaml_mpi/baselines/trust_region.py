"""The outer step of TRPO (Schulman et al. 2015): along the natural gradient, as far as a mean KL allows.

Generators that ask and are told, so that they do not know who evaluates: the curvature and the candidates are sums over
tasks that other ranks hold.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Question(IntEnum):
    """What a question's vector (d,) is, and what is wanted of it."""

    FISHER_PRODUCT = 1  # a direction; the curvature of the mean KL times it, (d,)
    CANDIDATE = 2  # a theta; its surrogate and its mean KL, (2,)


@dataclass(frozen=True)
class TrustRegion:
    """Defaults: ``max_divergence`` is Finn's, ProMP's and T-MAML's; the others pytorch-maml-rl's (T. Deleu)."""

    max_divergence: float = 0.01
    iterations: int = 10
    damping: float = 1e-5
    attempts: int = 15
    shrinkage: float = 0.8

    def step(
        self, theta: np.ndarray, gradient: np.ndarray, value: float
    ) -> Generator[tuple[Question, np.ndarray], np.ndarray, tuple[np.ndarray, int]]:
        """Yields questions, is sent answers; returns the next theta (d,) and how many candidates were asked for.

        ``gradient`` (d,) and ``value`` () are those of the surrogate at theta. If no candidate is better and near
        enough, theta stays; then the count is ``attempts``, or 0 where the gradient or curvature was no direction.
        """
        direction = yield from self.natural_gradient(gradient)
        image = yield Question.FISHER_PRODUCT, direction
        curvature = _dot(direction, image + self.damping * direction)
        if not (curvature > 0 and np.isfinite(curvature)):
            return theta, 0
        step = np.sqrt(2 * self.max_divergence / curvature) * direction
        for attempt in range(self.attempts):
            candidate = theta + self.shrinkage**attempt * step
            reached, divergence = yield Question.CANDIDATE, candidate
            if reached > value and divergence <= self.max_divergence:  # false for nan
                return candidate, attempt + 1
        return theta, self.attempts

    def natural_gradient(self, gradient: np.ndarray) -> Generator[tuple[Question, np.ndarray], np.ndarray, np.ndarray]:
        """(F + damping)^-1 gradient (d,), by conjugate gradients (Hestenes and Stiefel 1952) from 0."""
        solution, residual = np.zeros(gradient.shape), gradient.copy()
        direction, square = residual, _dot(residual, residual)
        enough = 1e-20 * square  # as near as rounding lets it come
        for _ in range(self.iterations):
            if not square > enough:
                break
            image = yield Question.FISHER_PRODUCT, direction
            image = image + self.damping * direction
            curvature = _dot(direction, image)
            if not curvature > 0:  # flat: without damping there is no end to it
                break
            length = square / curvature
            solution = solution + length * direction
            residual = residual - length * image
            before, square = square, _dot(residual, residual)
            direction = residual + square / before * direction
        return solution


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Not BLAS's, whose order of additions may depend on its threads."""
    product: float = np.add.reduce(first * second)
    return product
