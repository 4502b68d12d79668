"""JAX in double precision, on the CPU, for this package alone.

``jax_enable_x64`` is a setting of the whole process, and other users of JAX in it count on single precision. It is
switched on here around each call, not globally: what goes in and comes out is NumPy's float64.

The package takes ``jax`` and ``jnp`` from here, so that where JAX is missing there is one message. A rank computes with
one thread, and takes no accelerator's memory, unless the environment says otherwise.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

import numpy as np

from esmaml_mpi.errors import UsageError, in_words
from esmaml_mpi.rollouts.deadline import paused

if "intra_op_parallelism_threads" not in os.environ.get("XLA_FLAGS", ""):
    os.environ.setdefault("NPROC", "1")  # how many threads XLA makes for itself
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

try:
    with paused():  # an import that is interrupted half-way cannot be done again
        import jax
        import jax.numpy as jnp
except ImportError as error:
    raise UsageError(
        f'the baselines need JAX ({in_words(error)}). Install it with: pip install "esmaml-mpi[baselines]".'
    ) from error

__all__ = ["Array", "compiled", "held", "jax", "jnp"]

Array = jax.Array | np.ndarray  # what comes in from outside is NumPy's; inside a compiled function all are JAX's
P = ParamSpec("P")
Arrays = TypeVar("Arrays")


@overload
def compiled(function: Callable[P, Array]) -> Callable[P, np.ndarray]: ...


@overload
def compiled(function: Callable[P, tuple[Array, Array]]) -> Callable[P, tuple[np.ndarray, np.ndarray]]: ...


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, compiled once for each first argument (an algorithm's settings, hashable) and each set of shapes.

    Other arguments are arrays, or (named) tuples of arrays; results are NumPy arrays. A call, which may have to compile
    for seconds, takes no time of an evaluation's limit.

    Which threads XLA has must not change the numbers. It splits long sums and wide matrix products over them, and the
    order of additions with it: functions here go through trajectories one episode at a time (``trajectories.py``),
    which leaves nothing that is large enough to be split.
    """
    jitted = jax.jit(function, static_argnums=0)

    @functools.wraps(function)
    def call(settings: object, *arrays: object) -> Any:
        with paused(), jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
            return jax.tree.map(np.asarray, jitted(settings, *arrays))

    return call


def held(arrays: Arrays) -> Arrays:
    """The same (named) tuple of arrays as JAX keeps them, so that calls need not take them over each time."""
    with paused(), jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        kept: Arrays = jax.tree.map(jnp.asarray, arrays)
        return kept
