"""Results files and sessions with another configuration than they were written with, under a good seal."""

import tomllib
from pathlib import Path

import h5py
import tomli_w

from esmaml_mpi.results.seal import sealed


def forge(source: Path, path: Path, change) -> Path:
    """A copy of ``source`` at ``path``; ``change`` is given the tables of its configuration."""
    image = path.with_name(f"{path.name}.image")
    image.write_bytes(source.read_bytes())
    with h5py.File(image, "r+") as file:
        tables = tomllib.loads(file["config"].attrs["toml"])
        change(tables)
        file["config"].attrs["toml"] = tomli_w.dumps(tables)
    content = image.read_bytes()
    image.unlink()
    path.write_bytes(sealed(content))
    return path
