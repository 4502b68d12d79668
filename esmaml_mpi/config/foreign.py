"""Which parts of a configuration leave arithmetic to libraries, whose last bits depend on the processor."""

from typing import Any

from esmaml_mpi.settings.sections import Sections

# Names whose arithmetic is all our own: the same bits on any processor. Everything else counts as a library's.
_DIRECTIONS = {"gaussian", "orthogonal", "hadamard", "quasi_monte_carlo", "dpp", "active_subspace"}
_DECODERS = {"average", "ridge"}
_OPERATORS = {"es_gradient", "hill_climbing", "population_search", "latent_search", "trial_programme", "chain"}
_OPERATORS |= {"evo_es_gradient", "recurrent", "none", "racing"}
_SCHEMES = {"sequential", "average", "batch", "hill_climbing", "one_plus_one", "gaussian"}  # of any operator
_ESTIMATORS = {"vanilla", "forward_fd", "antithetic"}
_ADAPTATION = {
    "operator": _OPERATORS,
    "scheme": _SCHEMES,
    "directions": _DIRECTIONS,
    "decoder": _DECODERS,
    "estimator": _ESTIMATORS,
}
OWN = {
    "task": {"name": {"four_corners", "navigation_2d", "six_circles", "sinusoid", "cartpole_sensor_bias", "t_maze"}},
    "policy": {"architecture": {"mlp", "gru", "elman", "timed"}},
    "meta": {
        "optimizer": {"sgd", "adam"},
        "estimator": _ESTIMATORS,
        "algorithm": {"zero_order", "zero_order_reuse", "snes", "first_order", "evo_zero_order"},
        "directions": _DIRECTIONS,
        "decoder": _DECODERS,
    },
    "adaptation": _ADAPTATION,
}


def foreign(config: Sections) -> list[str]:
    """Keys of a resolved config, with their values, that name such a part: MuJoCo's tasks, JAX's gradients, solvers of
    SciPy's, what others have registered.
    """
    found = [
        f"{section}.{each}" for section, own in OWN.items() for each in _foreign(vars(getattr(config, section)), own)
    ]
    for i, link in enumerate(getattr(config.adaptation, "links", ())):
        found += [f"adaptation.links[{i}].{each}" for each in _foreign(link, _ADAPTATION)]
    return found


def _foreign(values: Any, own: dict[str, set[str]]) -> list[str]:
    return [f'{key} = "{values[key]}"' for key, names in own.items() if key in values and values[key] not in names]
