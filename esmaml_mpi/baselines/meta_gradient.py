"""From sums over a task's trajectories to its meta-gradient, and to what the trust region asks.

theta_0 = theta, theta_(j+1) = theta_j + alpha g_j(theta_j), where g_j is the mean over the steps of support j of
the gradient of ``inner_objectives.py``; theta_S is the adapted policy. H_j = d g_j / d theta_j is symmetric, and
d theta_S / d theta_j is a product of (I + alpha H): vectors are taken through it one step at a time, backwards for a
gradient, forwards and backwards for a curvature.

Sums are asked for, and it is not known who has the trajectories: ``ask(what, step, points, vectors)`` is a generator
that returns sums (T, k) for all tasks at once. Step S is the query. Points (T or 1, d) are where theta stands instead
of at what has sampled the step; vectors are (T or 1, d).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np


class Asked(IntEnum):
    """What is asked of each share of each task's trajectories of a step."""

    SAMPLES = 0  # that they be sampled
    MOMENTS = 1  # of their advantages
    STEP = 2  # the others: see the methods of these names of ``PolicyGradient``
    TURNED = 3
    EXPLORATION_SLOPE = 4
    RISE = 5
    OUTCOME = 6
    CURVATURE = 7
    PERFORMANCES = 8  # of ``EvoPolicyGradient``


Answers = Generator[Any, Any, np.ndarray]
Ask = Callable[..., Answers]


@dataclass(frozen=True)
class MetaGradient:
    """``steps``: how many steps (T,) the trajectories have, of each support and then of the query. ``likelihoods`` (T,)
    are the supports' mean log-probabilities at what has sampled them, summed over supports.

    ``first_order`` drops the derivative of the inner step. ``exploration`` weighs E-MAML's second part; 0 leaves it
    out, 1 is as in its implementations, a mean over steps (Stadie et al.'s code, ProMP's). log pi(tau) is a sum: the
    exact gradient has ``exploration`` = the number of support steps, and a variance that drowns it
    (docs/baselines.md).

    ``scores`` (T,): performance after adaptation, as a mean over steps, minus any baseline that does not depend on a
    task's trajectories, such as the mean over other tasks.
    """

    step_size: float
    first_order: bool
    exploration: float
    steps: list[np.ndarray]
    likelihoods: np.ndarray

    @property
    def query(self) -> int:
        """The number S of inner steps, and of the step that is the query."""
        return len(self.steps) - 1

    def gradient(self, ask: Ask, scores: np.ndarray) -> Answers:
        """Gradients (T, d), and in the last column values, of the surrogate of ``candidate`` at the theta that
        everything was sampled with.
        """
        slopes = self._mean((yield from ask(Asked.RISE, self.query)), self.query)
        for step in reversed(range(self.query)):
            slopes = yield from self._through(ask, step, slopes)
            if self.exploration:
                likely = self._mean((yield from ask(Asked.EXPLORATION_SLOPE, step)), step)
                slopes = slopes + (self.exploration * scores)[:, None] * likely
        # As candidates' are: to be better by rounding is not to be better.
        values = self._mean((yield from ask(Asked.OUTCOME, self.query)), self.query)[:, 0]
        values = values + self.exploration * scores * self.likelihoods
        return np.column_stack([slopes, values])

    def fisher_product(self, ask: Ask, vector: np.ndarray) -> Answers:
        """Hessians of the distance of ``candidate`` at the theta that everything was sampled with, times a vector
        (d,): (T, d).

        The distance is least there, so its Hessian is exactly D^T F D, with D = d theta_S / d theta and F the Fisher
        information of the adapted policy: no third derivatives are needed.
        """
        vectors = vector[None]
        for step in range(self.query):
            vectors = yield from self._through(ask, step, vectors)
        vectors = self._mean((yield from ask(Asked.CURVATURE, self.query, None, vectors)), self.query)
        for step in reversed(range(self.query)):
            vectors = yield from self._through(ask, step, vectors)
        return vectors

    def candidate(self, ask: Ask, theta: np.ndarray, scores: np.ndarray) -> Answers:
        """Of a theta (d,): what the outer step increases, and how far the adapted policies have moved (T, 2).

        The surrogate is the mean over steps of likelihood ratio times advantage, plus ``exploration`` times ``scores``
        times the mean over steps of the supports' log-probability, summed over inner steps. The distance is the mean
        over steps of KL(adapted || adapted from theta).
        """
        points, likelihoods = theta[None], np.zeros(len(scores))
        for step in range(self.query):
            found = self._mean((yield from ask(Asked.STEP, step, points)), step)
            points, likelihoods = points + self.step_size * found[:, :-1], likelihoods + found[:, -1]
        found = self._mean((yield from ask(Asked.OUTCOME, self.query, points)), self.query)
        found[:, 0] += self.exploration * scores * likelihoods
        return found

    def _through(self, ask: Ask, step: int, vectors: np.ndarray) -> Answers:
        """(I + alpha H) vectors."""
        if self.first_order:
            return vectors
        turned = self._mean((yield from ask(Asked.TURNED, step, None, vectors)), step)
        return vectors + self.step_size * turned

    def _mean(self, sums: np.ndarray, step: int) -> np.ndarray:
        mean: np.ndarray = sums / self.steps[step][:, None]
        return mean
