"""What the baselines need beside the core."""

import os
from importlib.util import find_spec

from esmaml_mpi.errors import ConfigError


def check_jax(what: str) -> None:
    """ConfigError, which names ``what``, if there is no JAX or it may not use the CPU; it is not imported."""
    if find_spec("jax") is None:
        raise ConfigError(f'{what}: needs JAX. Install it with: pip install "esmaml-mpi[baselines]".')
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if platforms and "cpu" not in platforms.split(","):
        raise ConfigError(
            f"{what}: computes with JAX on the CPU, and the environment has JAX_PLATFORMS = {platforms!r}; "
            f"{platforms + ',cpu'!r} is wanted, or none."
        )
