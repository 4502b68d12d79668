"""Libraries that only pictures need."""

from importlib import import_module

from esmaml_mpi.errors import UsageError, in_words


def need(*modules: str) -> None:
    """Raise UsageError, which says how to install them, unless these can be imported."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            raise UsageError(
                f'rendering needs {module} ({in_words(error)}). Install it with: pip install "esmaml-mpi[render]".'
            ) from error
