"""How perturbation directions are drawn.

To add one: write a file with such a sampler (see ``sampler.py``) and add a line to ``DIRECTIONS``, or name it from
outside (docs/extending.md).
"""

from collections.abc import Mapping

from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.settings.contract import check_dataclass
from esmaml_mpi.settings.fields import parse
from esmaml_mpi.settings.registry import Registry

# name -> where its class is; imported only when used, so that a worker loads SciPy for none but the one that needs it.
DIRECTIONS = Registry(
    "directions",
    "directions",
    {
        "gaussian": "esmaml_mpi.directions.gaussian:Gaussian",
        "orthogonal": "esmaml_mpi.directions.orthogonal:Orthogonal",
        "hadamard": "esmaml_mpi.directions.hadamard:Hadamard",
        "quasi_monte_carlo": "esmaml_mpi.directions.quasi_monte_carlo:QuasiMonteCarlo",
        "dpp": "esmaml_mpi.directions.dpp:DPP",
        "active_subspace": "esmaml_mpi.directions.active_subspace:ActiveSubspace",
    },
    methods=("check", "draw"),
    attributes=("uses_basis",),
)


def sampler_class(name: str, key: str = "directions.name") -> type[Sampler]:
    """The class of a sampler; ConfigError, naming ``key``, if there is none or it cannot be had."""
    found: type[Sampler] = DIRECTIONS.find(name, key)
    check_dataclass(DIRECTIONS.told(name, key), found)
    return found


def make_sampler(name: str, options: Mapping = {}, section: str = "adaptation") -> Sampler:
    """A sampler from its name and the table of its options; ConfigErrors name the keys of this section."""
    key = f"{section}.directions"
    sampler = parse(sampler_class(name, key), options, f"{section}.direction_options")
    DIRECTIONS.check_made(name, sampler, key)
    return sampler
