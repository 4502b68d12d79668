"""What corrupted rewards do to each decoder, how many rows LP decoding needs, and what a decode costs.

    OPENBLAS_NUM_THREADS=1 python benchmarks/decoders.py

Gradients of a linear f at sigma = 0.1, rewards with noise of 5 % of their spread, outliers of 10 spreads by
``RewardCorruption``. Markdown tables, as in docs/decoders.md.
"""

import time

import numpy as np

from esmaml_mpi.decoders import make_decoder
from esmaml_mpi.rollouts.corruption import RewardCorruption

SIGMA, NOISE, TRIALS = 0.1, 0.05, 40
FRACTIONS, ROWS = (0.0, 0.1, 0.2, 0.23, 0.3), (0.5, 1, 2, 5)
DECODERS = {
    "average": make_decoder("average"),
    "ridge": make_decoder("ridge"),
    "ridge, intercept": make_decoder("ridge", {"intercept": True}),
    "lasso": make_decoder("lasso"),
    "lp": make_decoder("lp"),
    "lp, intercept": make_decoder("lp", {"intercept": True}),
}


def main() -> None:
    """Print all tables."""
    for dimension in (6, 18):
        for pivot_corrupted in (False, True):
            print_errors(dimension, pivot_corrupted)
    print_recovery()
    print_seconds()


def print_errors(dimension: int, pivot_corrupted: bool) -> None:
    """Median relative error and mean cosine by K / d and fraction."""
    print(f"\nd = {dimension}, pivot {'always an outlier' if pivot_corrupted else 'correct'}\n")
    header("K/d", "corrupted", *DECODERS)
    for rows in ROWS:
        for fraction in FRACTIONS:
            cells = [errors(dimension, int(rows * dimension), fraction, pivot_corrupted, d) for d in DECODERS.values()]
            print(f"| {rows} | {fraction:.0%} | {' | '.join(cells)} |", flush=True)


def errors(dimension: int, count: int, fraction: float, pivot_corrupted: bool, decoder) -> str:
    """One cell: median of |found - gradient| / |gradient|, and mean of their cosine."""
    corruption = RewardCorruption(fraction=fraction)
    found = []
    for trial in range(TRIALS):
        rng = np.random.default_rng([trial, dimension, count])
        gradient, directions = rng.standard_normal(dimension), rng.standard_normal((dimension, count))
        size = SIGMA * np.linalg.norm(gradient)  # the spread of the rewards
        rewards = np.append(SIGMA * gradient @ directions, 0.0) + NOISE * size * rng.standard_normal(count + 1)
        rewards = corruption.apply(rewards, rng, has_pivot=True)
        if pivot_corrupted:
            rewards[-1] = 10 * size
        estimate = decoder.decode(directions, (rewards[:-1] - rewards[-1]) / SIGMA)
        lengths = np.linalg.norm(gradient), np.linalg.norm(estimate)
        found.append(
            [np.linalg.norm(estimate - gradient) / lengths[0], estimate @ gradient / (lengths[0] * lengths[1])]
        )
    found = np.array(found)
    return f"{np.median(found[:, 0]):.2f} / {found[:, 1].mean():.2f}"


def print_recovery() -> None:
    """Share of trials in which LP decoding is exact, without noise and with 23 % wrong by a factor of a thousand."""
    multiples = (1.5, 2, 3, 4, 5, 7, 10, 20)
    print("\nLP decoding exact, 23 % of noise-free differences corrupted, by K/d\n")
    header("d", "corruption", "intercept", *multiples)
    for dimension in (6, 18):
        for kind in ("random", "worst"):
            for intercept in (False, True) if kind == "random" else (False,):
                shares = [recovery(dimension, int(k * dimension), kind, intercept) for k in multiples]
                cells = " | ".join(f"{share:.0%}" for share in shares)
                print(f"| {dimension} | {kind} | {'yes' if intercept else 'no'} | {cells} |", flush=True)


def recovery(dimension: int, count: int, kind: str, intercept: bool) -> float:
    """``random``: any rows, any values. ``worst``: those that weigh most along an axis, consistent with each other."""
    decoder, exact, struck = make_decoder("lp", {"intercept": intercept}), 0, int(0.23 * count)
    for trial in range(TRIALS):
        rng = np.random.default_rng([trial, dimension, count])
        gradient, directions = rng.standard_normal(dimension), rng.standard_normal((dimension, count))
        differences = gradient @ directions
        if kind == "random":
            differences[rng.permutation(count)[:struck]] = 1e3 * rng.standard_normal(struck)
        else:
            axis = rng.standard_normal(dimension)
            heaviest = np.argsort(-np.abs(axis @ directions))[:struck]
            differences[heaviest] += 1e3 * axis @ directions[:, heaviest]
        error = np.linalg.norm(decoder.decode(directions, differences) - gradient)
        exact += error < 1e-6 * np.linalg.norm(gradient)
    return exact / TRIALS


def print_seconds() -> None:
    """Microseconds of one decode of 20 rows."""
    sizes = (6, 108, 1000)
    print("\nMicroseconds of a decode, K = 20 (times the average's)\n")
    header("decoder", *(f"d = {size}" for size in sizes))
    basis = [microseconds(DECODERS["average"], size) for size in sizes]
    for name, decoder in DECODERS.items():
        measured = [microseconds(decoder, size) for size in sizes]
        cells = [f"{value:.0f} ({value / first:.0f}x)" for value, first in zip(measured, basis, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


def microseconds(decoder, dimension: int, count: int = 20) -> float:
    """Best of some decodes."""
    rng, best = np.random.default_rng(0), np.inf
    directions, differences = rng.standard_normal((dimension, count)), rng.standard_normal(count)
    for _ in range(50):
        start = time.perf_counter()
        decoder.decode(directions, differences)
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def header(*names) -> None:
    """Head of a Markdown table."""
    print(f"| {' | '.join(map(str, names))} |\n|{'---|' * len(names)}")


if __name__ == "__main__":
    main()
