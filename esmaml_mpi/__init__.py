"""ES-MAML: meta-learning by evolution strategies, as an MPI application.

``esmaml_mpi.train(config)`` trains in this process; the ``esmaml`` command does it on any number of ranks. What is in
``__all__`` is the public interface, see docs/library.md.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esmaml_mpi.adaptation.ask_tell import Adaptation
    from esmaml_mpi.config.config import Config
    from esmaml_mpi.config.loading import load as load_config
    from esmaml_mpi.results.reader import Results
    from esmaml_mpi.results.reader import read as read_results
    from esmaml_mpi.tasks.batched import BatchedFamily
    from esmaml_mpi.trained.meta_policy import MetaPolicy
    from esmaml_mpi.trained.session import Session
    from esmaml_mpi.training.from_python import train

__version__ = "0.1.0"
__all__ = [
    "Adaptation",
    "BatchedFamily",
    "Config",
    "MetaPolicy",
    "Results",
    "Session",
    "load_config",
    "read_results",
    "train",
]

# Looked up when first used: importing the package must not import NumPy before the command has set its thread counts.
_PLACES = {
    "Adaptation": ("esmaml_mpi.adaptation.ask_tell", "Adaptation"),
    "BatchedFamily": ("esmaml_mpi.tasks.batched", "BatchedFamily"),
    "Config": ("esmaml_mpi.config.config", "Config"),
    "MetaPolicy": ("esmaml_mpi.trained.meta_policy", "MetaPolicy"),
    "Results": ("esmaml_mpi.results.reader", "Results"),
    "Session": ("esmaml_mpi.trained.session", "Session"),
    "load_config": ("esmaml_mpi.config.loading", "load"),
    "read_results": ("esmaml_mpi.results.reader", "read"),
    "train": ("esmaml_mpi.training.from_python", "train"),
}

# A program that uses Gymnasium finds our environments; a rank that does not is spared them.
if "gymnasium" in sys.modules:
    from esmaml_mpi import environments  # noqa: F401


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
