"""Decoders: how directional differences become a gradient. To add one: write a file with a frozen dataclass and add a
line to ``DECODERS``, or name it from outside (docs/extending.md).

With directions g_i ~ N(0, I) as rows of A and b_i = (f(theta + sigma g_i) - f(theta)) / sigma, a smooth f obeys
b = A x + error with x its gradient. ``average`` needs nothing but the distribution of the directions; the others solve
the regression (RBO: Choromanski et al. 2019, "Provably Robust Blackbox Optimization for Reinforcement Learning"),
accept rows from anywhere and differ in the errors they are made for.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.contract import check_dataclass
from esmaml_mpi.settings.fields import parse
from esmaml_mpi.settings.registry import Registry


class Decoder(Protocol):
    """A decoder. Concrete decoders are frozen dataclasses whose fields are their documented options."""

    name: str  # in the registry
    requires: tuple[str, ...]  # packages beyond NumPy, imported at the first ``decode``
    __dataclass_fields__: ClassVar[dict[str, Any]]
    any_rows: bool  # whether directions may come from any distribution, such as an archive's

    def fewest_rows(self, dimension: int) -> int:
        """Rows below which the decoder does not do what it is for, for a gradient of this dimension."""

    def decode(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """Gradient (d,) from m directions (d, m), scaled as standard normals, and directional differences (m,):

        (f(theta + sigma g) - f(theta)) / sigma or (f(theta + sigma g) - f(theta - sigma g)) / (2 sigma).
        """


# name -> where its class is; imported only when used.
DECODERS = Registry(
    "decoder",
    "decoders",
    {
        "average": "esmaml_mpi.decoders.average:Average",
        "ridge": "esmaml_mpi.decoders.ridge:Ridge",
        "lasso": "esmaml_mpi.decoders.lasso:Lasso",
        "lp": "esmaml_mpi.decoders.lp:LPDecoding",
    },
    methods=("fewest_rows", "decode"),
    attributes=("name", "requires", "any_rows"),
)


def decoder_class(name: str, key: str = DECODERS.key) -> type[Decoder]:
    """The class of a decoder; ConfigError, naming ``key``, if there is none or it cannot be had."""
    found: type[Decoder] = DECODERS.find(name, key)
    check_dataclass(DECODERS.told(name, key), found)
    return found


def make_decoder(name: str, options: Mapping = {}, path: str = "decoder_options") -> Decoder:
    """A decoder from its name and options; errors name each option behind ``path``.

    Packages it requires are looked for but not imported, so that a process that never decodes stays lean.
    """
    key = path.removesuffix("_options")
    decoder = parse(decoder_class(name, key), options, path)
    DECODERS.check_made(name, decoder, key)
    missing = [package for package in decoder.requires if find_spec(package) is None]
    if missing:
        raise ConfigError(f"decoder {name!r} needs {', '.join(missing)}: pip install {' '.join(missing)}.")
    return decoder


def check_rows(decoder: Decoder, rows: int, dimension: int) -> None:
    """ConfigError if a decode of at most ``rows`` rows cannot do what this decoder is for."""
    fewest = decoder.fewest_rows(dimension)
    if rows < fewest:
        raise ConfigError(
            f"decoder {decoder.name!r} gets {rows} rows for a policy of {dimension} parameters: at least {fewest} are "
            "wanted, as fewer can be fitted exactly, errors included. "
            "Use more queries, a smaller policy, or decoder 'ridge'."
        )
