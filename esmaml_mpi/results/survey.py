"""What stands in an HDF5 file, found without reading a number of it or opening anything else: the first look at a file
that anybody may have made.

HDF5 can do much that a results file has no need of, and that harms whoever opens one of unknown origin: links to other
files, data that stand in other files, groups that contain themselves, data that are not there but take memory. Here all
objects are visited once, by hard links alone, and whatever is not plain arrays of numbers in this very file is refused.
"""

import math
from collections.abc import Iterator

import h5py
import numpy as np

from esmaml_mpi.results.axes import ATTRIBUTES as AXIS_ATTRIBUTES
from esmaml_mpi.results.structure import Mismatch, Stored
from esmaml_mpi.settings.contract import STORED_AXES, STORED_BYTES, STORED_KINDS
from esmaml_mpi.settings.fields import show

DEEPEST = 5  # groups within groups
MOST_OBJECTS = 100_000  # a run that was resumed has a group for each launch
MOST_ATTRIBUTES = 200  # of an object
MOST_ATTRIBUTE_BYTES = 2**16  # of one; a text counts by its reference, and stands in the file once
ATTRIBUTE_CLASSES = (h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM)  # the last: truth values


def survey(file: h5py.File, size: int) -> dict[str, Stored]:
    """All datasets of a file of ``size`` bytes by their paths, as "train/values". Raises Mismatch."""
    found: dict[str, Stored] = {}
    seen, left = {h5py.h5o.get_info(file.id).addr}, size
    _check_attributes(file.id, "the file")
    for path, kind, item in _objects(file.id, "", seen, 1):
        _check_attributes(item, path)
        if kind == h5py.h5o.TYPE_DATASET:
            found[path] = _stored(item, path)
            left -= found[path].dtype.itemsize * math.prod(found[path].shape)
            if left < 0:
                raise Mismatch(f"its numbers are more than its {size} bytes can hold")
    return found


def _objects(group: h5py.h5g.GroupID, prefix: str, seen: set, depth: int) -> Iterator[tuple]:
    """(path, kind, object) of everything below a group; groups before what is in them."""
    for name in group:
        path = prefix + name.decode(errors="replace")
        if b"/" in name or name in (b"", b"."):
            raise Mismatch(f"{show(path)} is no name")
        if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
            raise Mismatch(f"{show(path)} is a link to elsewhere")
        about = h5py.h5o.get_info(group, name)
        if about.addr in seen:
            raise Mismatch(f"{show(path)} is a second link to an object")
        seen.add(about.addr)
        if len(seen) > MOST_OBJECTS:
            raise Mismatch(f"it has more than {MOST_OBJECTS} objects")
        if depth > DEEPEST:
            raise Mismatch(f"{show(path)}: groups are nested more than {DEEPEST} deep")
        if about.type not in (h5py.h5o.TYPE_GROUP, h5py.h5o.TYPE_DATASET):
            raise Mismatch(f"{show(path)} is neither a group nor an array")
        item = h5py.h5o.open(group, name)
        yield path, about.type, item
        if about.type == h5py.h5o.TYPE_GROUP:
            yield from _objects(item, f"{path}/", seen, depth + 1)


def _stored(dataset: h5py.h5d.DatasetID, path: str) -> Stored:
    """How the numbers of a dataset are kept: looked at in this order, as even the shape of some opens other files."""
    how = dataset.get_create_plist()
    if how.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise Mismatch(f"{show(path)} is made of other datasets")
    if how.get_external_count():
        raise Mismatch(f"{show(path)} stands in another file")
    if how.get_nfilters():
        raise Mismatch(f"{show(path)} is compressed or filtered")
    shape = dataset.shape
    if dataset.get_space().get_simple_extent_type() == h5py.h5s.NULL or len(shape) > STORED_AXES:
        raise Mismatch(f"{show(path)} has the shape {shape}")
    kind = dataset.get_type()
    plain_text = kind.get_class() == h5py.h5t.STRING and not kind.is_variable_str()
    if not plain_text and kind.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        return Stored(np.dtype("V1"), (), None)  # no numbers; whoever wants some says so
    dtype = dataset.dtype
    if not plain_text and (dtype.kind not in STORED_KINDS or dtype.itemsize > STORED_BYTES):
        raise Mismatch(f"{show(path)} has type {dtype}")
    needed = dtype.itemsize * math.prod(shape)
    if dataset.get_storage_size() < needed:
        raise Mismatch(f"{show(path)} has the shape {shape}, and its numbers are not in the file")
    plain = how.get_layout() == h5py.h5d.CONTIGUOUS and needed > 0 and dtype.isnative
    return Stored(dtype, shape, dataset.get_offset() if plain else None)


def _check_attributes(item: h5py.h5g.GroupID, path: str) -> None:
    count = h5py.h5a.get_num_attrs(item)
    if count > MOST_ATTRIBUTES:
        raise Mismatch(f"{show(path)} has {count} attributes")
    for i in range(count):
        about = h5py.h5a.open(item, index=i)
        if about.name in AXIS_ATTRIBUTES:  # references to objects, which nobody here follows
            continue
        kind = about.get_type()
        size = kind.get_size() * math.prod(about.shape or ())
        if kind.get_class() not in ATTRIBUTE_CLASSES or kind.committed() or size > MOST_ATTRIBUTE_BYTES:
            raise Mismatch(f"an attribute of {show(path)} is neither a number nor a text")


def text(file: h5py.File, path: str, name: str, default: str | None = None) -> str:
    """A text among the attributes of an object. Raises Mismatch if it is none, or, without a default, missing."""
    if default is not None and name not in file[path].attrs:
        return default
    found = plain(file, path, name)
    if not isinstance(found, str):
        raise Mismatch(f"{name} of {path} is no text")
    return found


def plain(file: h5py.File, path: str, name: str) -> str | int | float:
    """A single text or number among the attributes of an object that ``survey`` has passed. Raises Mismatch."""
    item = file.get(path)
    if item is None or name not in item.attrs:
        raise Mismatch(f"{path} has no {name}" if item is not None else f"{path} is missing")
    attributes = item.attrs
    about = attributes.get_id(name)
    if about.shape != () or about.get_space().get_simple_extent_type() != h5py.h5s.SCALAR:
        raise Mismatch(f"{show(name)} of {path} is not a single text or number")
    found = attributes[name]
    if isinstance(found, bytes):
        found = found.decode(errors="replace")
    if isinstance(found, str):
        return found
    value = np.asarray(found).item()
    if not isinstance(value, int | float):
        raise Mismatch(f"{show(name)} of {path} is neither a text nor a number")
    return value
