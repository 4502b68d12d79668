"""Arrays about tasks in the one vector that a stage carries."""

from collections.abc import Sequence

import numpy as np


def packed(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """A vector of arrays of two dimensions: how many, their shapes, their numbers."""
    shapes = [float(length) for array in arrays for length in array.shape]
    return np.concatenate([[len(arrays)], shapes, *(array.ravel() for array in arrays)])


def unpacked(payload: np.ndarray) -> list[np.ndarray]:
    """The arrays that were packed."""
    count = int(payload[0])
    shapes, found, start = payload[1 : 1 + 2 * count].astype(np.int64).reshape(count, 2), [], 1 + 2 * count
    for rows, width in shapes.tolist():
        found.append(payload[start : start + rows * width].reshape(rows, width))
        start += rows * width
    return found


NONE = np.empty((0, 0))  # an array that is not told


def of_tasks(array: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Rows (U, ..) of the tasks ``slots`` (U,) from an array with a row for each, or one for all, or none."""
    if not array.size:
        return np.empty((len(slots), 0))
    return np.repeat(array, len(slots), axis=0) if len(array) == 1 else array[slots]
