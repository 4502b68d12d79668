"""What the sampler of directions does to an ES gradient estimate, and what drawing costs.

    python benchmarks/directions.py

Prints Markdown: the mean squared error of the estimate over the squared length of the true gradient of the smoothing,
per function, dimension d, directions K and estimator; where a bias is more than four standard errors from 0, its square
(the part of the error that no number of adaptations averages out) in brackets. K directions are K queries and a pivot
under forward_fd and 2 K queries under antithetic. Needs SciPy; takes about three minutes.
"""

import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import numpy as np
from scipy.special import chdtr

from esmaml_mpi.directions import make_sampler
from esmaml_mpi.estimators import ESTIMATORS

SIGMA = 0.1
DIMENSIONS, COUNTS, KINDS = (6, 108, 1000), (5, 10, 20), ("forward_fd", "antithetic")
SAMPLERS = {
    "gaussian": make_sampler("gaussian"),
    "orthogonal": make_sampler("orthogonal"),
    "hadamard": make_sampler("hadamard"),
    "quasi_monte_carlo": make_sampler("quasi_monte_carlo"),
    "dpp rbf": make_sampler("dpp"),
    "dpp released": make_sampler("dpp", {"absolute_length": 5.0}),
    "dpp cosine": make_sampler("dpp", {"kernel": "cosine"}),
}
# Estimates per cell, for d = 6, 108, 1000: as many as the time allows.
REPETITIONS = {"quasi": (4000, 1200, 400), "dpp": (2000, 1500, 500), "": (10_000, 6000, 2000)}
BATCHES = 50  # independent means of estimates, from which biases and their standard errors come


class Linear:
    """b.x, |b| = 1."""

    def __init__(self, dimension):
        self.b = np.full(dimension, dimension**-0.5) * (-1.0) ** np.arange(dimension)
        self.gradient = self.b

    def __call__(self, x):
        """Points x (n, d, K) -> values (n, K)."""
        return np.einsum("d,ndk->nk", self.b, x)


class Quadratic(Linear):
    """b.x - x'Ax / 2, eigenvalues of A over three decades in random axes, its trace such that both terms are alike."""

    def __init__(self, dimension):
        super().__init__(dimension)
        values = np.logspace(0, -3, dimension)
        self.values = values * 2 / SIGMA / values.sum()
        normal = np.random.default_rng(dimension).standard_normal(dimension)
        self.mirror = normal / np.linalg.norm(normal)  # a Householder reflection: axes of A at O(d)

    def __call__(self, x):
        turned = x - 2 * self.mirror[:, None] * np.einsum("d,ndk->nk", self.mirror, x)[:, None]
        return super().__call__(x) - np.einsum("d,ndk,ndk->nk", self.values, turned, turned) / 2


class Bowl(Linear):
    """max(0, c - dist^2), as in four corners, from a point half of whose surroundings are flat.

    It is d / 3 away, 2 for d = 6: slope and curvature keep their ratio in all dimensions.
    """

    def __init__(self, dimension):
        super().__init__(dimension)
        self.away = dimension / 3
        self.edge = self.away**2 + SIGMA**2 * dimension
        # E 2 (a + sigma z) [(a + sigma z)^2 + sigma^2 chi^2(d - 1) < c] along b, a away, by quadrature in z.
        z, dz = np.linspace(-9, 9, 200_001, retstep=True)
        near = self.away + SIGMA * z
        inside = chdtr(dimension - 1, np.maximum(self.edge - near**2, 0) / SIGMA**2)
        self.gradient = self.b * np.sum(2 * near * inside * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)) * dz

    def __call__(self, x):
        distance = self.away**2 - 2 * self.away * super().__call__(x) + np.einsum("ndk,ndk->nk", x, x)
        return np.maximum(0, self.edge - distance)


class Informed:
    """The learned kernel at its best: its one axis is that of the linear function's gradient."""

    sampler = make_sampler("dpp", {"kernel": "learned"})

    def draw(self, generator, dimension, count):
        return self.sampler.draw(generator, dimension, count, basis=Linear(dimension).b[:, None])


FUNCTIONS = {"linear": Linear, "quadratic": Quadratic, "bowl": Bowl}


def main() -> None:
    """Print the tables."""
    start = time.perf_counter()
    cells, relative = {}, []
    for place, dimension in enumerate(DIMENSIONS):
        for count in COUNTS:
            for name, sampler in SAMPLERS.items():
                repetitions = next(r for prefix, r in REPETITIONS.items() if name.startswith(prefix))[place]
                for key, (error, deviation, bias, noise) in measure(sampler, dimension, count, repetitions).items():
                    mark = f" ({bias:.2f})" if abs(bias) > 4 * noise else ""
                    cells[(*key, dimension, count, name)] = f"{error:.3g}{mark}"
                    relative.append(deviation / error)
    for function in FUNCTIONS:
        print(f"\n{function}\n\n| d | K | estimator | {' | '.join(SAMPLERS)} |\n|{'---|' * (3 + len(SAMPLERS))}")
        for dimension in DIMENSIONS:
            for kind in KINDS:
                for count in COUNTS:
                    row = [cells[function, kind, dimension, count, name] for name in SAMPLERS]
                    print(f"| {dimension} | {count} | {kind} | {' | '.join(row)} |")
    print(f"\nStandard errors: {np.median(relative):.1%} of a value in the median, {np.max(relative):.1%} at most.")
    print("\nlearned kernel with the gradient itself as its axis, linear, K = 10\n")
    for dimension, repetitions in zip(DIMENSIONS, REPETITIONS["dpp"], strict=True):
        error, deviation, bias, noise = measure(Informed(), dimension, 10, repetitions)["linear", "forward_fd"]
        print(f"- d = {dimension}: {error:.3g} +- {deviation:.2g}, bias {bias:.2f} +- {noise:.2f}")
    print(f"\nms per draw of 20\n\n| d | {' | '.join(SAMPLERS)} |\n|{'---|' * (1 + len(SAMPLERS))}")
    for dimension in DIMENSIONS:
        print(f"| {dimension} | {' | '.join(f'{milliseconds(s, dimension):.2g}' for s in SAMPLERS.values())} |")
    print(f"\n{time.perf_counter() - start:.0f} s")


def measure(sampler, dimension: int, count: int, repetitions: int) -> dict:
    """(function, estimator) -> (relative mean squared error, its standard error, squared bias, its standard error).

    All functions and estimators see the same directions.
    """
    generator = np.random.default_rng([dimension, count])
    functions = {name: function(dimension) for name, function in FUNCTIONS.items()}
    keys = [(function, kind) for function in functions for kind in KINDS]
    errors, means = {key: [] for key in keys}, {key: [] for key in keys}
    for _ in range(BATCHES):
        draws = [sampler.draw(generator, dimension, count) for _ in range(repetitions // BATCHES)]
        directions = np.stack(draws)
        for name, function in functions.items():
            sides = [function(SIGMA * directions), function(-SIGMA * directions)]
            pivot = function(np.zeros((1, dimension, 1)))[0]
            for kind in KINDS:
                estimator = ESTIMATORS[kind]
                differences = estimator.differences(np.stack(sides[: len(estimator.signs)], axis=-1), pivot)
                estimates = np.einsum("ndk,nk->nd", directions, differences) / (count * SIGMA)
                deviations = (estimates - function.gradient) / np.linalg.norm(function.gradient)
                errors[name, kind].append((deviations**2).sum(axis=1))
                means[name, kind].append(deviations.mean(axis=0))
    return {key: (*_mean(np.concatenate(errors[key])), *squared_mean(np.array(means[key]))) for key in keys}


def squared_mean(vectors: np.ndarray) -> tuple[float, float]:
    """|E v|^2 from independent vectors (n, d), without bias (no vector meets itself), and the jackknife's error."""
    total, squares = vectors.sum(axis=0), (vectors**2).sum(axis=1)
    n = len(vectors)
    whole = (total @ total - squares.sum()) / (n * (n - 1))
    without = ((total - vectors) ** 2).sum(axis=1) - (squares.sum() - squares)
    without /= (n - 1) * (n - 2)
    return whole, np.sqrt((n - 1) * without.var())


def _mean(samples):
    return samples.mean(), samples.std(ddof=1) / np.sqrt(len(samples))


def milliseconds(sampler, dimension: int, count: int = 20) -> float:
    """Processor time of one draw; the median of some."""
    generator = np.random.default_rng(0)
    seconds = []
    for _ in range(15):
        start = time.process_time()
        sampler.draw(generator, dimension, count)
        seconds.append(time.process_time() - start)
    return 1e3 * float(np.median(seconds))


if __name__ == "__main__":
    main()
