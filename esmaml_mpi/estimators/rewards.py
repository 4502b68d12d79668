"""Rewards before an estimate: their mean, their normalisation, and the guard against steps made of rounding."""

import math

import numpy as np

from esmaml_mpi.native import door
from esmaml_mpi.reproducibility.magnitudes import exponents, scaled_by

NORMALIZATIONS = ("standardize", "ars", "none")
RANKED = (*NORMALIZATIONS, "ranks")  # those of ``normalize``
# Values whose spread is below this fraction of their size are equal up to rounding: 50 times -324.61 has a standard
# deviation of 6e-14.
EQUAL = 1e-12
HALFWAY = 2.0**1020  # the difference of two larger values may be infinite


def finite_mean(values: np.ndarray) -> float:
    """Mean of the values that are finite; nan if there is none."""
    finite = values[np.isfinite(values)]
    return float(np.add.reduce(finite) / finite.size) if finite.size else math.nan


def best_test(after: np.ndarray) -> int | None:
    """Which of the tests (T, ...) is the best: of those with the fewest failures (not finite) the one with the highest
    mean; the first of equals, None if nothing is finite.

    A mean leaves failures out, so that a policy that fails at what is hard has a higher one.
    """
    means = [finite_mean(row) for row in after]
    ranks = [(int(np.isfinite(row).sum()), mean) for row, mean in zip(after, means, strict=True)]
    scored = [test for test, mean in enumerate(means) if math.isfinite(mean)]
    return max(scored, key=lambda test: ranks[test]) if scored else None


def normalize(
    values: np.ndarray, pivot: np.ndarray | None, kind: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Values (..., m, s) and pivot (...) or None, normalised, and whether there is a signal in them (...).

    ``standardize``: minus mean, over population standard deviation, both over queries and pivot. ``ars``: over the
    standard deviation of the queries (Mania et al. 2018). ``none``: as they are. ``ranks``: from -1/2 for the lowest to
    1/2 for the highest of queries and pivot, equals sharing theirs (Salimans et al. 2017). Without a signal the values
    come back as zeros: no step.
    """
    if kind == "ranks":
        return _ranked(values, pivot)
    if kind == "standardize":
        found = door.standardized(values.reshape(*values.shape[:-2], -1), pivot, EQUAL)
        if found:
            return found[0].reshape(values.shape), *found[1:]
    shift, scale, signal = scaling(values, pivot, kind)
    return *scaled(values, pivot, shift, scale, signal), signal


def _ranked(values: np.ndarray, pivot: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    signal = scaling(values, pivot, "none")[2]
    queries = values.reshape(*values.shape[:-2], -1)
    everything = queries if pivot is None else np.concatenate([queries, pivot[..., None]], axis=-1)
    order = np.argsort(everything, axis=-1, kind="stable")
    ordered, count = np.take_along_axis(everything, order, axis=-1), everything.shape[-1]
    steps, places = ordered[..., 1:] != ordered[..., :-1], np.arange(count)
    edge = np.ones((*steps.shape[:-1], 1), dtype=bool)
    # Of each run of equals its first and its last place.
    first = np.maximum.accumulate(np.where(np.concatenate([edge, steps], axis=-1), places, 0), axis=-1)
    last = np.where(np.concatenate([steps, edge], axis=-1), places, count - 1)
    last = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    ranks = np.empty(everything.shape)
    np.put_along_axis(ranks, order, (first + last) / 2, axis=-1)
    ranks = np.where(signal[..., None], ranks / max(count - 1, 1) - 0.5, 0.0)
    if pivot is None:
        return ranks.reshape(values.shape), None, signal
    return ranks[..., :-1].reshape(values.shape), ranks[..., -1], signal


def scaling(values: np.ndarray, pivot: np.ndarray | None, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What ``normalize`` subtracts, what it divides by, and whether there is a signal, each (...)."""
    queries = values.reshape(*values.shape[:-2], -1)
    everything = queries if pivot is None else np.concatenate([queries, pivot[..., None]], axis=-1)
    powers = exponents(everything)  # 0 but for values whose squares are out of range
    everything = scaled_by(everything, -powers[..., None])
    count = everything.shape[-1]
    mean = np.add.reduce(everything, axis=-1) / count
    spread = _std(everything, mean)
    signal = spread > EQUAL * np.abs(everything).max(axis=-1)
    if kind == "none":
        return np.zeros_like(mean), np.ones_like(mean), signal
    if kind == "standardize":
        shift, scale = mean, spread
    else:
        queries = scaled_by(queries, -powers[..., None])
        shift = np.zeros_like(mean)
        scale = _std(queries, np.add.reduce(queries, axis=-1) / queries.shape[-1])
        signal = signal & (scale > EQUAL * np.abs(queries).max(axis=-1))
    return scaled_by(shift, powers), np.where(signal, scaled_by(scale, powers), 1.0), signal


def scaled(
    values: np.ndarray, pivot: np.ndarray | None, shift: np.ndarray, scale: np.ndarray, signal: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and pivot by what ``scaling`` found; zeros without a signal."""
    if np.abs(shift).max(initial=0.0) > HALFWAY or np.abs(values).max(initial=0.0) > HALFWAY:
        values, shift, scale = values / 4, shift / 4, scale / 4
        pivot = None if pivot is None else pivot / 4
    normalized = np.where(signal[..., None, None], (values - shift[..., None, None]) / scale[..., None, None], 0.0)
    return normalized, None if pivot is None else np.where(signal, (pivot - shift) / scale, 0.0)


def _std(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    deviations = values - mean[..., None]
    std: np.ndarray = np.sqrt(np.add.reduce(deviations * deviations, axis=-1) / values.shape[-1])
    return std
