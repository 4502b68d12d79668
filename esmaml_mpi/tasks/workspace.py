"""Scratch arrays that are allocated once: fresh pages for each batch cost more than the arithmetic done on them."""

import math

import numpy as np


class Workspace:
    """Named float64 buffers, grown on demand. Not shared between threads."""

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def array(self, name: str, *shape: int) -> np.ndarray:
        """An uninitialised array of this shape; the next call with this name takes its memory back."""
        size = math.prod(shape)
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = np.empty(size)
        return self._buffers[name][:size].reshape(shape)
