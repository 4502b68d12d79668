"""Tasks f_t(x) = -(x - c_t)'A_t(x - c_t) / 2 + b_t, for which everything that first-order ES-MAML estimates is known.

The smoothing f_{sigma,t} is f_t - sigma^2 tr(A_t) / 2: its gradient is -A_t (x - c_t), its Hessian -A_t, and one exact
adaptation step of size alpha multiplies x - c_t by I - alpha A_t. The smoothed MAML objective

    mean_t f_{sigma,t}(x + alpha grad f_{sigma,t}(x))

has therefore the gradient -mean_t (I - alpha A_t) A_t (I - alpha A_t) (x - c_t), and without the Hessian term this is
-mean_t A_t (I - alpha A_t) (x - c_t).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class QuadraticFamily:
    """Curvatures A (T, d, d), symmetric; centres c (T, d); offsets b (T,)."""

    curvatures: np.ndarray
    centres: np.ndarray
    offsets: np.ndarray

    @classmethod
    def random(cls, dimension, tasks, seed=0):
        """Curvatures of both signs, of the size of 1."""
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((tasks, dimension, dimension)) / np.sqrt(dimension)
        half = np.eye(dimension) + normal
        return cls(
            (half + half.transpose(0, 2, 1)) / 2, rng.standard_normal((tasks, dimension)), rng.normal(size=tasks)
        )

    def values(self, points, task):
        """f_t of points (d, ...): rewards (...)."""
        away = points - self.centres[task].reshape(-1, *[1] * (points.ndim - 1))
        return self.offsets[task] - np.einsum("i...,ij,j...->...", away, self.curvatures[task], away) / 2

    def smoothed(self, x, task, sigma):
        """f_{sigma,t}(x), x (d,)."""
        return self.values(x, task) - sigma**2 * np.trace(self.curvatures[task]) / 2

    def gradient(self, x, task):
        """Gradient (d,) of f_{sigma,t}, the same for every sigma."""
        return -self.curvatures[task] @ (x - self.centres[task])

    def objective(self, x, alpha, sigma):
        """mean_t f_{sigma,t}(x + alpha grad f_{sigma,t}(x))."""
        tasks = range(len(self.offsets))
        return np.mean([self.smoothed(x + alpha * self.gradient(x, t), t, sigma) for t in tasks])

    def meta_gradient(self, x, alpha, use_hessian=True):
        """Gradient (d,) of ``objective``, or without the Hessian the mean of grad f_{sigma,t} after adaptation."""
        terms = []
        for task, curvature in enumerate(self.curvatures):
            after = self.gradient(x + alpha * self.gradient(x, task), task)
            terms.append(after - alpha * curvature @ after if use_hessian else after)
        return np.mean(terms, axis=0)

    def shared_query_bias(self, x, alpha, directions, mirrored):
        """Mean of (I + alpha H) g2 less ``meta_gradient`` where H and g1 come from the same queries, per task.

        ``mirrored``: antithetic g1 and H; else forward differences g1 and H about the pivot; the pivot exact, rewards
        as measured. H and g1 are then correlated, alpha^2 E (H - EH) grad^2 f (g1 - E g1) is not 0, and each direction
        contributes its own moments of order six: it falls as 1 / m. Antithetic g1 and H know only the odd and the even
        half of a pair, f being quadratic, which halves the first part.
        """
        terms = []
        for task, curvature in enumerate(self.curvatures):
            hessian, slope = -curvature, self.gradient(x, task)
            trace, squares = np.trace(hessian), np.sum(hessian * hessian)
            turned = hessian @ slope
            joint = (trace**2 + 2 * squares) * slope + 3 * trace * turned + 6 * hessian @ turned
            terms.append(joint / (2 if mirrored else 1) - hessian @ turned)
        return alpha**2 / directions * np.mean(terms, axis=0)
