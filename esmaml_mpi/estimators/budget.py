"""How many queries an estimate needs."""

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS


def check_budget(section: str, key: str, queries: int, estimator: str, reward_normalization: str) -> None:
    """ConfigError, naming ``section``.``key``, if this many queries cannot be used."""
    signs = len(ESTIMATORS[estimator].signs)
    if queries % signs:
        raise ConfigError(
            f"{section}.{key} = {queries}: estimator {estimator!r} needs an even number, as queries come in mirrored "
            "pairs."
        )
    if reward_normalization == "ars" and queries < 2:
        raise ConfigError(
            f"{section}.{key} = {queries}: reward_normalization 'ars' divides by the std of at least 2 queries."
        )
