"""What somebody may have made of a results file or session, by way of HDF5: each function changes an open file.

``outside`` is a file that no command may open.
"""

import random
from pathlib import Path

import h5py
import numpy as np
from helpers import image_of

from esmaml_mpi.results.seal import sealed

ESCAPE = "\x1b]0;taken\x07\x1b[31m\x9b2J\u202e"


def paths(file: h5py.File) -> list[str]:
    """Everything in it, groups and datasets."""
    found: list[str] = []
    file.visit(found.append)
    return found


def datasets(file: h5py.File) -> list[str]:
    return [path for path in paths(file) if isinstance(file[path], h5py.Dataset)]


def delete(file, path, chance, outside):
    del file[path]


def rename(file, path, chance, outside):
    file.move(path, path + chance.choice(("x", "_0", ESCAPE, "é")))


def replace(value):
    def change(file, path, chance, outside):
        del file[path]
        made = value(chance)
        if isinstance(made, dict):
            file.create_dataset(path, **made)
        elif made is None:
            file.create_group(path)
        else:
            file[path] = made

    return change


def revalue(change):
    """Other numbers of the same type and shape."""

    def apply(file, path, chance, outside):
        if not isinstance(file[path], h5py.Dataset):
            raise KeyError(path)
        values = file[path][()]
        with np.errstate(all="ignore"):
            new = np.asarray(change(values, chance))
        attributes = dict(file[path].attrs)
        del file[path]
        file[path] = new
        file[path].attrs.update(attributes)

    return apply


def scatter(values, chance):
    """One number among them becomes an odd one."""
    new = np.array(values)
    if not new.size:
        return new
    odd = (np.nan, np.inf, -np.inf, 1e308, -1.0, 0.0, 5e-324) if new.dtype.kind == "f" else (-1, 0, 2**62, -(2**62), 7)
    if new.dtype.kind in "if":
        new.flat[chance.randrange(new.size)] = chance.choice(odd)
    return new


def soft_link(file, path, chance, outside):
    del file[path]
    file[path] = h5py.SoftLink(chance.choice(("/", "/checkpoint/theta", path, "/nowhere")))


def external_link(file, path, chance, outside):
    del file[path]
    file[path] = h5py.ExternalLink(str(outside), "/")


def second_link(file, path, chance, outside):
    other = chance.choice(["/", *paths(file)])
    del file[path]
    file[path] = file[other]


def bomb(file, path, chance, outside):
    """26 nested groups with two hard links each to the next."""
    group = file[path] if isinstance(file[path], h5py.Group) else file["/"]
    for _ in range(26):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner


def deep(file, path, chance, outside):
    file.create_group(path + "/a" * 200) if isinstance(file[path], h5py.Group) else file.create_group("/a" * 300)


def virtual(file, path, chance, outside):
    shape = np.shape(file[path]) if isinstance(file[path], h5py.Dataset) else ()
    layout = h5py.VirtualLayout(shape=shape or (1,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(outside), "/x", shape=shape or (1,))
    del file[path]
    file.create_virtual_dataset(path, layout)


def external_storage(file, path, chance, outside):
    shape = np.shape(file[path]) if isinstance(file[path], h5py.Dataset) else ()
    del file[path]
    file.create_dataset(path, shape or (1,), "f8", external=[(str(outside), 0, h5py.h5f.UNLIMITED)])


def huge(file, path, chance, outside):
    """2**30 numbers that are not there."""
    del file[path]
    file.create_dataset(path, (2**30,), "f8", chunks=(2**20,))


def packed(file, path, chance, outside):
    """Many numbers in few bytes."""
    del file[path]
    file.create_dataset(path, data=np.zeros((2**17, 4)), compression="gzip", chunks=(2**16, 4))


def nested_type(file, path, chance, outside):
    del file[path]
    file[path] = np.dtype([("a", "f8"), ("b", "i8", (3,))])


def attribute(value):
    def change(file, path, chance, outside):
        names = list(file[path].attrs)
        made = value(file, chance)
        name = chance.choice(names) if names else "x"
        file[path].attrs[name] = made

    return change


def no_attribute(file, path, chance, outside):
    names = list(file[path].attrs)
    del file[path].attrs[chance.choice(names)]


def many_attributes(file, path, chance, outside):
    for i in range(1000):
        file[path].attrs[f"a{i}"] = i


def config_text(file, path, chance, outside):
    text = str(file["config"].attrs["toml"])
    file["config"].attrs["toml"] = mangled(text.encode(), chance, tokens=True).decode(errors="replace")


STRUCTURAL = {
    "delete": delete,
    "rename": rename,
    "text": replace(lambda c: c.choice(("text", ESCAPE, ["a", "b"]))),
    "group": replace(lambda c: None),
    "complex": replace(lambda c: np.ones(3, complex)),
    "compound": replace(lambda c: np.zeros(3, [("a", "f8"), ("b", "S4")])),
    "wide": replace(lambda c: np.ones((2, 3, 4, 2, 2))),
    "long double": replace(lambda c: np.ones(4, np.longdouble)),
    "empty": replace(lambda c: h5py.Empty("f8")),
    "references": replace(lambda c: {"shape": (3,), "dtype": h5py.ref_dtype}),
    "ragged": replace(lambda c: {"shape": (3,), "dtype": h5py.vlen_dtype(np.float64)}),
    "scalar": replace(lambda c: c.choice((0, 1.5, -1, True))),
    "fewer rows": revalue(lambda v, c: v[:-1] if v.ndim else v),
    "more rows": revalue(lambda v, c: np.concatenate([v, v]) if v.ndim else v),
    "flat": revalue(lambda v, c: v.ravel()),
    "transposed": revalue(lambda v, c: v.T),
    "half": revalue(lambda v, c: v.astype("f4") if v.dtype.kind == "f" else v.astype("u2")),
    "other end first": revalue(lambda v, c: v.astype(v.dtype.newbyteorder())),
    "an odd number": revalue(scatter),
    "odd numbers": revalue(lambda v, c: v * c.choice((-1, 0, 10**9, 2**40))),
    "soft link": soft_link,
    "external link": external_link,
    "second link": second_link,
    "bomb": bomb,
    "deep": deep,
    "virtual": virtual,
    "external storage": external_storage,
    "huge": huge,
    "packed": packed,
    "named type": nested_type,
    "attribute: escape": attribute(lambda f, c: ESCAPE),
    "attribute: number": attribute(lambda f, c: c.choice((0, -1, 2**62, 1.5, float("nan"), True))),
    "attribute: array": attribute(lambda f, c: np.arange(c.choice((0, 2, 5000)))),
    "attribute: reference": attribute(lambda f, c: f["config"].ref),
    "attribute: bytes": attribute(lambda f, c: np.bytes_(b"\xff\xfe\x00a")),
    "attribute: empty": attribute(lambda f, c: h5py.Empty("f8")),
    "attribute: long": attribute(lambda f, c: "x" * c.choice((10, 10**5, 10**6))),
    "attribute: none": no_attribute,
    "attributes": many_attributes,
    "config": config_text,
}


def structural(content: bytes, place: Path, chance: random.Random, outside: Path) -> tuple[str, bytes]:
    """(what was done, a sealed file to which it was done), by way of a file at ``place``."""
    while True:
        place.write_bytes(content)
        name = chance.choice(list(STRUCTURAL))
        try:
            with h5py.File(place, "r+") as file:
                path = chance.choice(paths(file))
                STRUCTURAL[name](file, path, chance, outside)
        except (KeyError, ValueError, OSError, TypeError, IndexError, RuntimeError):
            continue  # not of this object
        return f"{name} at {path}", sealed(image_of(place.read_bytes()))


def mangled(content: bytes, chance: random.Random, tokens: bool = False) -> bytes:
    """Some bytes flipped, lost, doubled, or replaced."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        at, length = chance.randrange(len(made) + 1), chance.choice((1, 1, 2, 8, 64))
        kind = chance.choice(("flip", "flip", "cut", "drop", "double", "junk", "token"))
        if kind == "flip" and at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        elif kind == "cut" and chance.random() < 0.2:
            del made[at:]
        elif kind == "drop":
            del made[at : at + length]
        elif kind == "double":
            made[at:at] = made[at : at + length]
        elif kind == "junk" and not tokens:
            made[at : at + length] = chance.randbytes(length)
        elif kind == "token":
            token = (
                b"-1",
                b"1e999",
                b"nan",
                b'"',
                b"[",
                b"\n[task]\n",
                b"9" * 30,
                b"true",
                b"\xff",
                b"\\u001b",
                b"= {",
            )
            made[at : at + (length if chance.random() < 0.5 else 0)] = chance.choice(token)
    return bytes(made)


def bytewise(content: bytes, chance: random.Random) -> tuple[str, bytes]:
    """(what was done, the file): bytes behind a seal that fits or not."""
    if chance.random() < 0.7:
        return "bytes before a new seal", sealed(mangled(image_of(content), chance))
    return "bytes", mangled(content, chance)
