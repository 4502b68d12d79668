"""A results file before it is written: its HDF5 structure in memory, and where the rows of each series go.

HDF5 writes nothing to disk itself: it crashes the process when that fails, and would want all rows in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.results.axes import name_axes
from esmaml_mpi.results.earlier import Column, Earlier
from esmaml_mpi.results.history import GROUPS, History, Series
from esmaml_mpi.results.interface import GROUP, MEANINGS, stored
from esmaml_mpi.results.seal import BLOCK, FORMAT_VERSION, HEAD, reaching
from esmaml_mpi.results.sparse_file import SparseFile
from esmaml_mpi.tasks.interface import Interface


@dataclass(frozen=True)
class Run:
    """What a file says of its run besides numbers. ``launches``: provenance of each start, the latest last;
    ``interface`` is the family's, for those who act without it.
    """

    config_toml: str
    launches: list[dict]
    test_task_ids: list[int]
    interface: Interface

    @property
    def config(self) -> Config:
        """The configuration."""
        return Config.from_toml(self.config_toml)


class Layout:
    """The file of ``run`` with the rows of ``earlier``, those of ``history`` behind them, and this checkpoint."""

    def __init__(self, run: Run, earlier: Earlier, history: History, checkpoint: dict) -> None:
        self._earlier = earlier
        self._image = SparseFile()
        self._rows: list[_Rows] = []
        self.counts: dict[str, int] = {}
        self.columns: dict[tuple[str, str], Column] = {}
        with h5py.File(self._image, "w", libver="earliest") as file:
            self._fill(file, run, history, checkpoint)
        start = bytearray(HEAD)
        self._image.read_at(0, memoryview(start))
        self._image.seek(0)
        self._image.write(reaching(bytes(start), self.size))
        self._rows.sort(key=lambda each: each.offset)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._image.size

    def blocks(self) -> Iterator[memoryview]:
        """The bytes of the file from first to last; a block is overwritten by the next one. Raises OSError."""
        whole = memoryview(bytearray(BLOCK))
        for start in range(0, self.size, BLOCK):
            block = whole[: min(BLOCK, self.size - start)]
            self._image.read_at(start, block)
            for rows in self._rows:
                if rows.offset < start + len(block) and rows.end > start:
                    rows.put(block, start, self._earlier)
            yield block

    def _fill(self, file: h5py.File, run: Run, history: History, checkpoint: dict) -> None:
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["program"] = "esmaml_mpi"
        file.create_group("config").attrs["toml"] = run.config_toml
        provenance = file.create_group("provenance")
        provenance.attrs.update(run.launches[-1])
        for i, facts in enumerate(run.launches):
            provenance.create_group(f"launch_{i}").attrs.update(facts)
        for group, series in GROUPS.items():
            into, arrays = file.create_group(group), history[group]
            self.counts[group] = self._earlier.counts[group] + len(arrays["iteration"])
            for name, about in series.items():
                self._series(into, name, about, arrays[name])
        file["test/after"].attrs["rollouts_per_adaptation"] = run.config.rollouts_per_adaptation
        ids = file.create_dataset("test/task_id", data=np.array(run.test_task_ids, dtype=np.int64))
        ids.attrs.update(
            unit="", meaning="task of each position along the tasks axis of before and after", row_shape="(tasks,)"
        )
        name_axes(file)
        write_interface(file, run.interface)
        _put(file.create_group("checkpoint"), checkpoint)

    def _series(self, group: h5py.Group, name: str, about: Series, new: np.ndarray) -> None:
        """Make a dataset without its rows, and note where they go."""
        key = (group.name.strip("/"), name)
        before, total = self._earlier.counts[key[0]], self.counts[key[0]]
        column = self._earlier.columns[key] if before else Column(new.shape[1:])
        assert not len(new) or new.shape[1:] == column.row, f"rows of another shape for {key}"
        # Space at once, and nothing in it.
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((total, *column.row) if total else (0,))
        kind = h5py.h5t.py_create(np.dtype(about.dtype))
        dataset = h5py.h5d.create(group.id, name.encode(), kind, space, how)
        h5py.Dataset(dataset).attrs.update(unit=about.unit, meaning=about.meaning, row_shape=about.row)
        offset = dataset.get_offset()
        self.columns[key] = Column(column.row, offset)
        if offset is not None:
            self._rows.append(_Rows(offset, about.dtype, column, before, np.ascontiguousarray(new)))


@dataclass(frozen=True)
class _Rows:
    """Rows of one series from ``offset`` on: ``before`` of a column of the earlier file, then new ones."""

    offset: int
    dtype: str
    column: Column
    before: int
    new: np.ndarray

    @property
    def old_bytes(self) -> int:
        return self.before * int(np.prod(self.column.row, dtype=int)) * np.dtype(self.dtype).itemsize

    @property
    def end(self) -> int:
        return self.offset + self.old_bytes + self.new.nbytes

    def put(self, block: memoryview, start: int, earlier: Earlier) -> None:
        """Fill that part of the block, which begins at byte ``start``, that these rows have."""
        at, end = max(start, self.offset), min(start + len(block), self.end)
        border = min(max(self.offset + self.old_bytes, at), end)
        if at < border:
            self._put_old(block[at - start : border - start], at - self.offset, earlier)
        if border < end:
            new = self.new.data.cast("B")
            first = border - self.offset - self.old_bytes
            block[border - start : end - start] = new[first : first + end - border]

    def _put_old(self, part: memoryview, first: int, earlier: Earlier) -> None:
        column = self.column
        if column.rows is not None:
            part[:] = np.ascontiguousarray(column.rows).data.cast("B")[first : first + len(part)]
        elif column.offset is None:
            default = np.array(column.default, dtype=self.dtype).tobytes()
            turned = first % len(default)
            part[:] = (default * (len(part) // len(default) + 2))[turned : turned + len(part)]
        else:
            assert earlier.file is not None
            if earlier.file.read_at(column.offset + first, part) < len(part):
                raise OSError("the previous file is shorter than it was")


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
