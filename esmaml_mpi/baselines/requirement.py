"""What the baselines need beside the core."""

from importlib.util import find_spec

from esmaml_mpi.errors import ConfigError


def check_jax(what: str) -> None:
    """ConfigError, which names ``what``, if there is no JAX; it is not imported."""
    if find_spec("jax") is None:
        raise ConfigError(f'{what}: needs JAX. Install it with: pip install "esmaml-mpi[baselines]".')
