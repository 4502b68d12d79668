"""ES-MAML: meta-learning by evolution strategies, as an MPI application.

``esmaml_mpi.train(config)`` trains in this process; the ``esmaml`` command does it on any number of ranks.
"""

import sys

__version__ = "0.1.0"
__all__ = ["Adaptation", "Config", "load_config", "read_results", "train"]

# A program that uses Gymnasium finds our environments; a rank that does not is spared them.
if "gymnasium" in sys.modules:
    from esmaml_mpi import environments  # noqa: F401


def __getattr__(name: str):
    # Looked up when first used: importing the package must not import NumPy before the command has set its thread
    # counts.
    if name == "train":
        from esmaml_mpi.library import train

        return train
    if name == "Adaptation":
        from esmaml_mpi.adaptation.session import Adaptation

        return Adaptation
    if name == "read_results":
        from esmaml_mpi.results.reader import read

        return read
    if name in ("Config", "load_config"):
        from esmaml_mpi import config

        return config.Config if name == "Config" else config.load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
