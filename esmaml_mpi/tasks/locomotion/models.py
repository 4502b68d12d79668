"""MuJoCo models from files, once a process, and what MuJoCo had to say about them.

MuJoCo prints its warnings, and writes them into a file in the working directory, from every process. Here they are
kept: those about a model for rank 0 to print, those of single simulations as counts, which fail the simulation.
"""

import contextlib
import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from esmaml_mpi.errors import FamilyError, in_words

try:
    import mujoco
    import mujoco.batch
except Exception as error:  # AttributeError where MUJOCO_GL names a library that is missing
    raise FamilyError(
        f"MuJoCo tasks need MuJoCo 4 and Gymnasium, and MuJoCo cannot be imported: {in_words(error)}. Install them "
        'with: pip install "esmaml-mpi[mujoco]". If MUJOCO_GL is set, its graphics library must be there, or unset it.'
    ) from error

warnings: dict[str, list[str]] = {}  # name of a model -> what MuJoCo said when it was loaded
_loading: list[list[str]] = []


def _keep(message: str) -> None:
    if _loading:
        _loading[-1].append(message)


if mujoco.get_mju_user_warning() is None:  # else the user has one already
    mujoco.set_mju_user_warning(_keep)


@contextlib.contextmanager
def listening(name: str) -> Iterator[None]:
    """Keep what MuJoCo says meanwhile as ``warnings[name]``."""
    _loading.append([])
    try:
        yield
    finally:
        said = _loading.pop()
        warnings[name] = list(dict.fromkeys([*warnings.get(name, ()), *said]))


@functools.cache
def load(path: Path, timestep: float = 0.0) -> mujoco.MjModel:
    """The model in an XML file, with its own time step (seconds) if that is 0; it is shared and must not be changed."""
    with listening(path.name):
        model = mujoco.MjModel.from_xml_path(str(path))
    if timestep:
        model.opt.timestep = timestep
    return model


@functools.cache
def gymnasium_asset(name: str) -> Path:
    """A file of Gymnasium's MuJoCo environments, found without importing Gymnasium."""
    found = find_spec("gymnasium")
    path = Path(found.origin).parent / "envs" / "mujoco" / "assets" / name if found and found.origin else None
    if path is None or not path.exists():
        raise FamilyError(
            f"{name} of Gymnasium's MuJoCo environments is not there. Install Gymnasium with: pip install "
            '"esmaml-mpi[mujoco]".'
        )
    return path
