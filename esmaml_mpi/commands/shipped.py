"""Where the folders are that come with the program: analysis, configs, jobs, examples."""

from pathlib import Path

from esmaml_mpi.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The folder of this name: inside the package where a wheel is installed, beside the package in a checkout.

    UserError if it is in neither place.
    """
    installed, checkout = PACKAGE / "shipped" / name, PACKAGE.parent
    if installed.is_dir():
        return installed
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise UserError(
        f"the folder {name} of esmaml_mpi is neither in {installed.parent} nor beside {PACKAGE}. Install esmaml_mpi "
        "again: a wheel, or `pip install -e .` in a checkout."
    )
