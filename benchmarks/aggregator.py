"""Rank 0's serial part of an iteration, and how it grows with evaluations E and parameters d.

    python benchmarks/aggregator.py

Regenerating E / 2 directions of d numbers dominates; the last column fits time = a + E / 2 (b + c d) and predicts what
does not fit a benchmark.
"""

import time

import numpy as np

from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.optimizers import SGD
from esmaml_mpi.meta.zero_order import ZeroOrder
from esmaml_mpi.observations.statistics import ObservationStatistics
from esmaml_mpi.reproducibility.exact_sums import LIMBS
from esmaml_mpi.reproducibility.randomness import Phase, Round

OBSERVATIONS = 17  # HalfCheetah
SIZES = ((300, 100), (300, 1000), (300, 10_000), (300, 100_000), (3000, 1000), (10_000, 1000), (10_000, 10_000))


def main() -> None:
    """Print the measured table and the prediction."""
    print(f"{'E':>8} {'d':>8} {'ms':>10} {'fit':>10}")
    measured, fit = fitted()
    for (e, d), seconds in zip(SIZES, measured, strict=True):
        print(f"{e:8} {d:8} {seconds * 1e3:10.2f} {np.array([1.0, e / 2, e / 2 * d]) @ fit * 1e3:10.2f}")
    print(f"{10_000:8} {100_000:8} {'':>10} {np.array([1.0, 5000, 5e8]) @ fit * 1e3:10.2f}  (predicted)")
    print(f"time = {fit[0] * 1e3:.2f} ms + E/2 * ({fit[1] * 1e6:.2f} us + d * {fit[2] * 1e9:.2f} ns)")


def fitted() -> tuple[np.ndarray, np.ndarray]:
    """Seconds at each of SIZES, and the coefficients (a, b, c) of a + E / 2 (b + c d)."""
    measured = np.array([serial_seconds(*size) for size in SIZES])
    rows = np.array([[1.0, e / 2, e / 2 * d] for e, d in SIZES])
    # Relative least squares: small cases count as much as large ones.
    return measured, np.linalg.lstsq(rows / measured[:, None], np.ones(len(SIZES)), rcond=None)[0]


def serial_seconds(evaluations: int, dimension: int) -> float:
    """Best of some runs: gradient, step and statistics, from values as they arrive."""
    half = evaluations // 2
    tasks = {"train_size": 4, "batch_size": 4}
    algorithm = ZeroOrder.from_config(
        load({"task": tasks, "meta": {"perturbations": half, "current_evaluations": half}})
    )
    values = np.random.default_rng(0).standard_normal(evaluations)
    limbs = np.ones((2 * OBSERVATIONS, LIMBS), dtype=np.int64)
    theta, optimizer, statistics = np.zeros(dimension), SGD(0.01), ObservationStatistics(OBSERVATIONS)
    best = np.inf
    for iteration in range(3 if evaluations * dimension > 1e7 else 10):
        start = time.perf_counter()
        gradient = algorithm.gradient(Round(Phase.TRAIN, iteration), values, dimension)
        theta = optimizer.step(theta, gradient)
        statistics.add(1000, limbs)
        statistics.mean_std()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
