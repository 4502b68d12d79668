"""The file of an adaptation that tries one policy at a time: whatever ends the program, told rewards are not lost.

It holds what makes the session again, not where it stands: configuration, theta, seed and the rewards in order, and
beside them the notes and what policies take and give. It is rewritten whole after each reward, as results files are,
under the same kind of seal and lock. Version 1 had neither notes nor /interface.
"""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ResultsError, UsageError, in_words
from esmaml_mpi.results.lock import OutputLock, writer_of
from esmaml_mpi.results.reader import read_interface
from esmaml_mpi.results.seal import SESSION_KIND, check_seal, seal
from esmaml_mpi.results.writer import image_file, replace_file, write_interface
from esmaml_mpi.tasks.interface import Interface

SESSION_VERSION = 2
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


class SessionFile:
    """A session's file, this process's alone inside a ``with`` block, or until ``release`` if ``keep`` was called."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = OutputLock(self.path)
        self._kept = False
        self.held = False

    def __enter__(self) -> "SessionFile":
        try:
            self._lock.acquire()
        except UsageError as error:
            holder = writer_of(self.path) or "another process"
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
        return self.path.exists()

    def write(self, record: SessionRecord) -> None:
        """Replace the file. ResultsError, with the previous one intact, if that cannot be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            image = _image(record)
            replace_file(self.path, seal(image), image)
        except OSError as error:
            raise ResultsError(f"cannot write session {self.path}: {error.strerror or error}.") from error

    def read(self) -> SessionRecord:
        """What was last written. ResultsError if the file is damaged, or no session."""
        try:
            if not self.path.is_file():
                reason = "is not a file" if self.exists else "does not exist"
                raise ResultsError(f"session {self.path} {reason}.")
            _check_whole(self.path)
            with h5py.File(self.path, "r", locking=False) as file:
                return _record(self.path, file)
        except ResultsError:
            raise
        except OSError as error:
            raise ResultsError(f"cannot read session {self.path}: {error.strerror or in_words(error)}.") from error
        except Exception as error:  # h5py raises almost anything on content that it did not expect
            raise ResultsError(
                f"cannot read {self.path}: it is not as a session should be: {in_words(error)}."
            ) from error


def _check_whole(path: Path) -> None:
    try:
        check_seal(path)
    except ResultsError as error:  # its words are about results files
        raise ResultsError(
            f"cannot read session {path}: it is damaged (cut short, or changed since it was written), or was not "
            "written by esmaml_mpi."
        ) from error


def _image(record: SessionRecord) -> bytes:
    """The whole file, built in memory."""
    with image_file() as file:
        file.attrs.update(program="esmaml_mpi", kind=SESSION_KIND, format_version=SESSION_VERSION)
        file.create_group("config").attrs["toml"] = record.config.to_toml()
        file.create_group("source").attrs.update(
            results=record.source, iteration=record.iteration, task=record.task, seed=record.seed
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


def _record(path: Path, file: h5py.File) -> SessionRecord:
    if file.attrs.get("kind") != SESSION_KIND:
        raise ResultsError(f"{path} is not a session; is it a results file?")
    version = int(file.attrs["format_version"])
    if version > SESSION_VERSION:
        raise ResultsError(
            f"cannot read session {path}: it has format version {version}, and this program reads up to "
            f"{SESSION_VERSION}. Use a newer one."
        )
    theta, mean, std, rewards = (_vector(file, name) for name in ("theta", "mean", "std", "rewards"))
    if not (np.isfinite(theta).all() and np.isfinite(mean).all() and mean.shape == std.shape and (std > 0).all()):
        raise ValueError("its policy has no finite numbers")
    if not (rewards < np.inf).all():  # nan too
        raise ValueError("its rewards are not numbers")
    subspace = None
    if "basis" in file:
        known = file["basis"]
        subspace = Subspace(known[()], np.asarray(known.attrs["weights"]), float(known.attrs["probability"]))
        if known.shape != (theta.size, len(subspace.weights)):
            raise ValueError(f"its subspace has the shape {known.shape}")
    source, config = file["source"].attrs, Config.from_toml(file["config"].attrs["toml"])
    notes: dict[int, str] = {}
    if "notes" in file:
        trials, texts = file["notes/trial"][()].tolist(), file["notes/text"][()].tolist()
        notes = {trial: text.decode() for trial, text in zip(trials, texts, strict=True)}
    return SessionRecord(
        config,
        theta,
        mean,
        std,
        int(source["seed"]),
        str(source["results"]),
        int(source["iteration"]),
        read_interface(file, config, mean.size, theta.size),
        int(source["task"]),
        rewards.tolist(),
        notes,
        subspace,
    )


def _vector(file: h5py.File, name: str) -> np.ndarray:
    values: np.ndarray = file[name][()]
    if values.ndim != 1 or values.dtype != np.float64:
        raise ValueError(f"{name} has shape {values.shape} and type {values.dtype}")
    return values
