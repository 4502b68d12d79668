"""The file of an adaptation that tries one policy at a time: whatever ends the program, told rewards are not lost.

It holds what makes the session again, not where it stands: configuration, theta, seed and the rewards in order, and
beside them the notes and what policies take and give. It is rewritten whole after each reward, as results files are,
under the same kind of seal and lock. Version 1 had neither notes nor /interface.
"""

import itertools
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ResultsError, UsageError, printable
from esmaml_mpi.results.atomic import replace_file, target
from esmaml_mpi.results.layout import write_interface
from esmaml_mpi.results.lock import OutputLock, writer_of
from esmaml_mpi.results.opening import opened
from esmaml_mpi.results.provenance import MOST_FACT
from esmaml_mpi.results.reader import read_interface
from esmaml_mpi.results.seal import SESSION_KIND, sealed
from esmaml_mpi.results.structure import Mismatch, Stored
from esmaml_mpi.results.survey import plain, survey, text
from esmaml_mpi.settings import naming
from esmaml_mpi.tasks.interface import Interface

SESSION_VERSION = 2
_images = itertools.count()
ROBOT = -1  # stands for a task id where rewards come from outside


@dataclass
class SessionRecord:
    """Everything a session is made from.

    ``theta`` (d,), observation ``mean`` and ``std`` (n,) are those of ``source`` after ``iteration`` updates; ``task``
    is a simulated task's id, or ROBOT; ``rewards`` are finite, or -inf where a trial has failed; ``notes`` are remarks
    by the number of their trial, from 1.
    """

    config: Config
    theta: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    seed: int
    source: str
    iteration: int
    interface: Interface
    task: int = ROBOT
    rewards: list[float] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    subspace: Subspace | None = None  # where the sampler of directions uses it

    def trusted(self, file: Path) -> "SessionRecord":
        """This record, after letting what it names be imported; the user has said that its ``file`` is trusted."""
        naming.asked(self.config.to_dict(), trusted=str(file))
        self.config.remember()
        return self


class SessionFile:
    """A session's file, this process's alone inside a ``with`` block, or until ``release`` if ``keep`` was called."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = target(Path(path))
        self._place = Path.cwd() / self.path  # an environment of the user's may go elsewhere
        self._lock = OutputLock(self._place)
        self._kept = False
        self.held = False

    def __enter__(self) -> "SessionFile":
        try:
            self._lock.acquire()
        except UsageError as error:
            holder = writer_of(self._place) or "another process"
            raise UsageError(
                f"session {self.path} is in use by another process or another Session ({holder}); wait for it, "
                "close it or end it."
            ) from error
        self.held = True
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self.release()

    def keep(self) -> None:
        """Hold the file beyond the end of the block."""
        self._kept = True

    def release(self) -> None:
        """Leave the file to others."""
        self.held = False
        self._lock.release()

    @property
    def exists(self) -> bool:
        """Whether there is something at its place."""
        return self._place.exists()

    def write(self, record: SessionRecord) -> None:
        """Replace the file. ResultsError, with the previous one intact, if that cannot be done."""
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._place, sealed(_image(record)))
        except OSError as error:
            raise ResultsError(f"cannot write session {self.path}: {error.strerror or error}.") from error

    def read(self) -> SessionRecord:
        """What was last written. ResultsError if the file is damaged, or no session."""
        with opened(self.path, "session") as (file, size):
            return _record(self.path, file, survey(file, size))


def _image(record: SessionRecord) -> bytes:
    """The whole file, built in memory, under a name of its own: HDF5 confuses two of one name in two threads."""
    with h5py.File(f"image {next(_images)}", "w", driver="core", backing_store=False) as file:
        file.attrs.update(program="esmaml_mpi", kind=SESSION_KIND, format_version=SESSION_VERSION)
        file.create_group("config").attrs["toml"] = record.config.to_toml()
        file.create_group("source").attrs.update(
            results=printable(record.source)[:MOST_FACT], iteration=record.iteration, task=record.task, seed=record.seed
        )
        if record.subspace is not None:
            file.create_dataset("basis", data=record.subspace.basis).attrs["meaning"] = "subspace of meta-gradients"
            file["basis"].attrs.update(weights=record.subspace.weights, probability=record.subspace.probability)
        for name, values, meaning in (
            ("theta", record.theta, "meta-policy from which the adaptation starts"),
            ("mean", record.mean, "mean of observations, subtracted from what the policy sees"),
            ("std", record.std, "standard deviation of observations, by which what the policy sees is divided"),
            ("rewards", record.rewards, "reward of each trial in order; -inf: the trial has failed, or was skipped"),
        ):
            file.create_dataset(name, data=np.array(values, dtype=np.float64)).attrs["meaning"] = meaning
        notes = file.create_group("notes")
        notes.attrs["meaning"] = "remarks, each with the number of its trial, from 1"
        notes.create_dataset("trial", data=np.array(list(record.notes), dtype=np.int64))
        notes.create_dataset("text", data=np.array([text.encode() for text in record.notes.values()], dtype=np.bytes_))
        write_interface(file, record.interface)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _record(path: Path, file: h5py.File, found: dict[str, Stored]) -> SessionRecord:
    if text(file, "/", "kind", "") != SESSION_KIND:
        raise ResultsError(f"{path} is not a session; is it a results file?")
    version = _integer(file, "/", "format_version")
    if version > SESSION_VERSION:
        raise ResultsError(
            f"cannot read session {path}: it has format version {version}, and this program reads up to "
            f"{SESSION_VERSION}. Use a newer one."
        )
    theta, mean, std, rewards = (_vector(file, found, name) for name in ("theta", "mean", "std", "rewards"))
    if not (np.isfinite(theta).all() and np.isfinite(mean).all() and mean.shape == std.shape):
        raise Mismatch("its policy has no finite numbers")
    if not (np.isfinite(std).all() and (std > 0).all()):
        raise Mismatch("its observations are not scaled by finite numbers above 0")
    if not (rewards < np.inf).all():  # nan too
        raise Mismatch("its rewards are not numbers")
    config = Config.of_file(text(file, "config", "toml"), str(path))
    return SessionRecord(
        config,
        theta,
        mean,
        std,
        _integer(file, "source", "seed"),
        printable(text(file, "source", "results"))[:MOST_FACT],
        _integer(file, "source", "iteration"),
        read_interface(file, found, config, mean.size, theta.size),
        _integer(file, "source", "task", ROBOT),
        rewards.tolist(),
        _notes(file, found),
        _subspace(file, found, theta.size),
    )


def _vector(file: h5py.File, found: dict[str, Stored], name: str) -> np.ndarray:
    stored = found.get(name)
    if stored is None:
        raise Mismatch(f"{name} is missing")
    if len(stored.shape) != 1 or stored.dtype != np.float64:
        raise Mismatch(f"{name} has shape {stored.shape} and type {stored.dtype}")
    values: np.ndarray = file[name][()]
    return values


def _notes(file: h5py.File, found: dict[str, Stored]) -> dict[int, str]:
    if "notes/trial" not in found and "notes/text" not in found:  # of version 1
        return {}
    trials, texts = found.get("notes/trial"), found.get("notes/text")
    if trials is None or texts is None or (trials.dtype.kind, texts.dtype.kind) != ("i", "S"):
        raise Mismatch("its notes are not texts and numbers of trials")
    if len(trials.shape) != 1 or trials.shape != texts.shape:
        raise Mismatch("its notes are not a text for each number of a trial")
    words = [printable(word.decode(errors="replace")) for word in file["notes/text"][()].tolist()]
    return dict(zip(file["notes/trial"][()].tolist(), words, strict=True))


def _subspace(file: h5py.File, found: dict[str, Stored], size: int) -> Subspace | None:
    if "basis" not in found:
        return None
    attributes, stored = file["basis"].attrs, found["basis"]
    shape = attributes.get_id("weights").shape if "weights" in attributes else None
    if shape is None or len(shape) != 1 or stored.shape != (size, *shape) or stored.dtype != np.float64:
        raise Mismatch(f"its subspace has the shape {stored.shape} and the weights {shape}")
    weights, probability = np.asarray(attributes["weights"]), plain(file, "basis", "probability")
    known: np.ndarray = file["basis"][()]
    if weights.dtype.kind != "f" or not (np.isfinite(known).all() and np.isfinite(weights).all()):
        raise Mismatch("its subspace has no finite numbers")
    if isinstance(probability, str) or not 0 <= probability <= 1:
        raise Mismatch("the probability of its subspace is none")
    return Subspace(known, weights, float(probability))


def _integer(file: h5py.File, path: str, name: str, least: int = 0) -> int:
    found = plain(file, path, name)
    if not isinstance(found, int) or found < least:
        raise Mismatch(f"{name} of {path} is not an integer from {least} on")
    return found
