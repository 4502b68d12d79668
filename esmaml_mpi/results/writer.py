"""Writing a results file so that a kill at any instant leaves the previous one whole.

Every write makes a complete new file beside the old one, flushes it to disk, and renames it over the old one.
"""

import itertools
import os
from pathlib import Path

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.history import GROUPS, History
from esmaml_mpi.results.interface import GROUP, MEANINGS, stored
from esmaml_mpi.results.seal import FORMAT_VERSION, seal
from esmaml_mpi.tasks.interface import Interface

_images = itertools.count()


def replace_file(path: Path, *parts: bytes) -> None:
    """Make ``parts``, one after the other, the file at ``path``.

    Either all of it is there afterwards, or OSError is raised and the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself must survive a power cut
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


class ResultsWriter:
    """Writes one run's file. ``launches`` are the provenance facts of each start of the run, the latest last;
    ``interface`` is the family's, for those who act without it.
    """

    def __init__(
        self, path: Path, config_toml: str, launches: list[dict], test_task_ids: list[int], interface: Interface
    ):
        self.path, self.config_toml, self.launches = Path(path), config_toml, launches
        self.test_task_ids, self.interface = test_task_ids, interface

    def write(self, history: History, checkpoint: dict) -> None:
        """Replace the file by one with this history and checkpoint.

        Raises ResultsError, the old file intact, if it cannot.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            image = self._image(history, checkpoint)
            replace_file(self.path, seal(image), image)
        except OSError as error:
            kept = "the previous file is intact" if self.path.exists() else "no file was left"
            raise ResultsError(f"cannot write results file {self.path}: {error.strerror or error} ({kept})") from error

    def _image(self, history: History, checkpoint: dict) -> bytes:
        """The whole file, built in memory: HDF5 crashes the process when its own writing to disk fails."""
        with image_file() as file:
            self._fill(file, history, checkpoint)
            file.flush()
            image: bytes = file.id.get_file_image()
            return image

    def _fill(self, file: h5py.File, history: History, checkpoint: dict) -> None:
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["program"] = "esmaml_mpi"
        file.create_group("config").attrs["toml"] = self.config_toml
        provenance = file.create_group("provenance")
        provenance.attrs.update(self.launches[-1])
        for i, facts in enumerate(self.launches):
            provenance.create_group(f"launch_{i}").attrs.update(facts)
        for group, series in GROUPS.items():
            arrays = history[group]
            for name, about in series.items():
                dataset = file.create_dataset(f"{group}/{name}", data=arrays[name])
                dataset.attrs.update(unit=about.unit, meaning=about.meaning, row_shape=about.row)
        file["test/after"].attrs["rollouts_per_adaptation"] = Config.from_toml(self.config_toml).rollouts_per_adaptation
        ids = file.create_dataset("test/task_id", data=np.array(self.test_task_ids, dtype=np.int64))
        ids.attrs.update(
            unit="", meaning="task of each position along the tasks axis of before and after", row_shape="(tasks,)"
        )
        write_interface(file, self.interface)
        _put(file.create_group("checkpoint"), checkpoint)


def image_file() -> h5py.File:
    """A new file in memory, with a name of its own: HDF5 confuses two of one name that are open in two threads."""
    return h5py.File(f"image {next(_images)}", "w", driver="core", backing_store=False)


def write_interface(file: h5py.File, interface: Interface) -> None:
    """Make the group /interface, in results and in sessions."""
    attributes, datasets = stored(interface)
    group = file.create_group(GROUP)
    group.attrs.update(attributes)
    for name, values in datasets.items():
        group.create_dataset(name, data=values).attrs["meaning"] = MEANINGS[name]


def _put(group: h5py.Group, tree: dict) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _put(group.create_group(name), value)
        else:
            group.create_dataset(name, data=value)
