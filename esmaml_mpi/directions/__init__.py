"""How perturbation directions are drawn.

To add one: write a file with such a sampler (see ``sampler.py``) and add a line to ``DIRECTIONS``.
"""

from collections.abc import Mapping

from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.errors import ConfigError, in_words
from esmaml_mpi.settings.fields import parse, unknown
from esmaml_mpi.settings.registry import imported

# name -> where its class is; imported only when used, so that a worker loads SciPy for none but the one that needs it.
DIRECTIONS = {
    "gaussian": "esmaml_mpi.directions.gaussian:Gaussian",
    "orthogonal": "esmaml_mpi.directions.orthogonal:Orthogonal",
    "hadamard": "esmaml_mpi.directions.hadamard:Hadamard",
    "quasi_monte_carlo": "esmaml_mpi.directions.quasi_monte_carlo:QuasiMonteCarlo",
    "dpp": "esmaml_mpi.directions.dpp:DPP",
    "active_subspace": "esmaml_mpi.directions.active_subspace:ActiveSubspace",
}


def sampler_class(name: str, key: str = "directions.name") -> type[Sampler]:
    """The class of a registered sampler; ConfigError, naming ``key``, if there is none or its library is missing."""
    if name not in DIRECTIONS:
        raise unknown(key, name, DIRECTIONS)
    try:
        found: type[Sampler] = imported(DIRECTIONS[name])
        return found
    except ImportError as error:
        raise ConfigError(f"{key} = {name!r} cannot be used: {in_words(error)}. Install what it imports.") from error


def make_sampler(name: str, options: Mapping = {}, section: str = "adaptation") -> Sampler:
    """A sampler from its name and the table of its options; ConfigErrors name the keys of this section."""
    return parse(sampler_class(name, f"{section}.directions"), options, f"{section}.direction_options")
