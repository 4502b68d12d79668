"""Which ranks have loaded another program, or other libraries, than rank 0: nodes that differ, a PATH that does."""

import hashlib
import platform
import socket
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

from esmaml_mpi.errors import WorldError
from esmaml_mpi.parallel.world import World

# Of rank 0 alone, of commands that do not train, and the list of what is public: they change no number of a run.
APART = ("commands", "rendering", "reports", "results", "selftest", "sweeps", "trained", "__init__.py", "__main__.py")
PACKAGE = Path(__file__).parents[1]
WIDTH = 512  # bytes of a rank's account
SHOWN = 4  # ranks named one by one
PROGRAM, LIBRARIES = ("esmaml_mpi", "its sources"), ("Python", "NumPy", "mpi4py", "MPI")


def sources(folder: Path = PACKAGE) -> str:
    """12 hexadecimal digits of the program's own source files, as far as they decide numbers or what ranks exchange."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        if name.parts[0] not in APART:
            digest.update(f"{name.as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def account(world: World) -> dict[str, str]:
    """What this rank has loaded, and where."""
    try:
        binding = metadata.version("mpi4py")
    except metadata.PackageNotFoundError:
        binding = "none"
    return {
        "host": socket.gethostname(),
        "esmaml_mpi": sys.modules[PACKAGE.name].__version__,
        "its sources": sources(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "mpi4py": binding,
        "MPI": world.library.partition(",")[0],
        "folder": str(PACKAGE),
    }


def differing(world: World) -> list[tuple[int, dict[str, str], dict[str, str]]]:
    """Collective: at rank 0 the ranks that have loaded something else, their accounts and rank 0's; none elsewhere."""
    if world.size == 1:
        return []
    own = account(world)
    said = "\n".join(own.values()).encode()[:WIDTH]
    decisive = "\n".join(own[key] for key in (*PROGRAM, *LIBRARIES)).encode()
    digest = float(int.from_bytes(hashlib.blake2b(decisive, digest_size=6).digest(), "big"))  # 48 bits are exact
    found = world.gather(np.array([[digest]]), [1] * world.size)
    unlike = np.zeros(1, dtype=np.int64)
    if found is not None:
        unlike[0] = np.count_nonzero(found != found[0])
    world.broadcast(unlike)
    if not unlike[0]:
        return []
    row = np.zeros((1, WIDTH))
    row[0, : len(said)] = np.frombuffer(said, dtype=np.uint8)
    rows = world.gather(row, [1] * world.size)
    if found is None or rows is None:
        return []
    accounts = [dict(zip(own, _text(row), strict=False)) for row in rows]
    return [(int(rank), accounts[rank], own) for rank in np.flatnonzero(found[:, 0] != found[0, 0])]


def check_program(unlike: list[tuple[int, dict[str, str], dict[str, str]]]) -> str:
    """Words on ranks that have other libraries; WorldError where ranks have another program."""
    others = [each for each in unlike if each[1].get("its sources") != each[2]["its sources"]]
    if others:
        raise WorldError(
            f"{_named(others, (*PROGRAM, 'folder'))}. All ranks must run one program: give all nodes the same "
            "installation, and the same PATH."
        )
    return _named(unlike, ("esmaml_mpi", *LIBRARIES)) if unlike else ""


def _named(unlike: list[tuple[int, dict[str, str], dict[str, str]]], keys: tuple[str, ...]) -> str:
    parts = []
    for rank, theirs, ours in unlike[:SHOWN]:
        pairs = [f"{key} {theirs.get(key, '?')} (rank 0: {ours[key]})" for key in keys if theirs.get(key) != ours[key]]
        parts.append(f"rank {rank} on {theirs.get('host', '?')} has {', '.join(pairs)}")
    more = len(unlike) - SHOWN
    return "; ".join(parts) + (f"; and {more} ranks more" if more > 0 else "")


def _text(row: np.ndarray) -> list[str]:
    return row.astype(np.uint8).tobytes().rstrip(b"\0").decode(errors="replace").split("\n")
