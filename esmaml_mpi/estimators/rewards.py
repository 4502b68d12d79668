"""Rewards before an estimate: their mean, their normalisation, and the guard against steps made of rounding."""

import math

import numpy as np

from esmaml_mpi.native import door

NORMALIZATIONS = ("standardize", "ars", "none")
# Values whose spread is below this fraction of their size are equal up to rounding: 50 times -324.61 has a standard
# deviation of 6e-14.
EQUAL = 1e-12


def finite_mean(values: np.ndarray) -> float:
    """Mean of the values that are finite; nan if there is none."""
    finite = values[np.isfinite(values)]
    return float(np.add.reduce(finite) / finite.size) if finite.size else math.nan


def normalize(
    values: np.ndarray, pivot: np.ndarray | None, kind: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Values (..., m, s) and pivot (...) or None, normalised, and whether there is a signal in them (...).

    ``standardize``: minus mean, over population standard deviation, both over queries and pivot. ``ars``: over the
    standard deviation of the queries (Mania et al. 2018). ``none``: as they are. Without a signal the values come back
    as zeros: no step.
    """
    if kind == "standardize":
        found = door.standardized(values.reshape(*values.shape[:-2], -1), pivot, EQUAL)
        if found:
            return found[0].reshape(values.shape), *found[1:]
    shift, scale, signal = scaling(values, pivot, kind)
    return *scaled(values, pivot, shift, scale, signal), signal


def scaling(values: np.ndarray, pivot: np.ndarray | None, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What ``normalize`` subtracts, what it divides by, and whether there is a signal, each (...)."""
    queries = values.reshape(*values.shape[:-2], -1)
    everything = queries if pivot is None else np.concatenate([queries, pivot[..., None]], axis=-1)
    count = everything.shape[-1]
    mean = np.add.reduce(everything, axis=-1) / count
    spread = _std(everything, mean)
    signal = spread > EQUAL * np.abs(everything).max(axis=-1)
    if kind == "none":
        shift, scale = np.zeros_like(mean), np.ones_like(mean)
    elif kind == "standardize":
        shift, scale = mean, spread
    else:
        shift = np.zeros_like(mean)
        scale = _std(queries, np.add.reduce(queries, axis=-1) / queries.shape[-1])
        signal = signal & (scale > EQUAL * np.abs(queries).max(axis=-1))
    return shift, np.where(signal, scale, 1.0), signal


def scaled(
    values: np.ndarray, pivot: np.ndarray | None, shift: np.ndarray, scale: np.ndarray, signal: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and pivot by what ``scaling`` found; zeros without a signal."""
    normalized = np.where(signal[..., None, None], (values - shift[..., None, None]) / scale[..., None, None], 0.0)
    return normalized, None if pivot is None else np.where(signal, (pivot - shift) / scale, 0.0)


def _std(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    deviations = values - mean[..., None]
    std: np.ndarray = np.sqrt(np.add.reduce(deviations * deviations, axis=-1) / values.shape[-1])
    return std
