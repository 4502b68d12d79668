"""Directions of a sampler from keyed streams."""

import numpy as np

from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.randomness import Purpose, Round, Streams


def fill(out: np.ndarray, sampler: Sampler, streams: Streams, purpose: Purpose, at: Round, *, unit=0, task=0, step=0):
    """Fill ``out`` (d, count), contiguous, with the directions of one key."""
    if isinstance(sampler, Gaussian):  # the same numbers, without a generator made anew
        streams.fill_normals(out, purpose, at, unit=unit, task=task, step=step)
    else:
        out[...] = sampler.draw(streams.generator(purpose, at, unit=unit, task=task, step=step), *out.shape)
