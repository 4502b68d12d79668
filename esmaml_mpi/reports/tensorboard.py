"""The scalar series of a run as a TensorBoard event file.

The file is a function of the results file: events stand in the order of iterations, and their times are the run's own
running time from its first start on. What an earlier export of a run that has grown since wrote is thus the beginning
of what a later one writes, which appends the rest: a TensorBoard that is looking goes on.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from esmaml_mpi.errors import UsageError, in_words
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.replacing import check_replaceable

NAME = "events.out.tfevents.esmaml"
VERSION = "brain.Event:2"  # what an event file begins with
ORDER = ("parameters", "normalization", "test", "recovery", "train", "timing")  # of groups within an iteration

MEASURED_AFTER = ("train/", "timing/")  # the others are written down before the update


def write_events(results: Results, folder: Path) -> Path:
    """Write the event file into ``folder`` and return it. OSError if that is impossible, UsageError without the
    library.
    """
    path, wanted = folder / NAME, _records(results)
    check_replaceable(path, "", VERSION.encode())
    there = path.read_bytes() if path.exists() else b""
    if there and wanted.startswith(there):
        with open(path, "ab") as file:
            file.write(wanted[len(there) :])
    elif there != wanted:
        replace_file(path, wanted)
    return path


def scalars(results: Results) -> list[tuple[int, str, float]]:
    """(iteration, tag, value) of everything that has one number an iteration, in the order of the file.

    Tags are group/series. Of tests it is the mean over tasks and repeats; what is not a number is left out.
    """
    found = []
    for group in ORDER:
        rows = results.history[group]
        for name, about in GROUPS[group].items():
            if name == "iteration" or (about.row != "()" and group != "test"):
                continue
            for at, row in enumerate(rows[name]):
                value = finite_mean(np.atleast_1d(row).ravel())
                if np.isfinite(value):
                    found.append((int(rows["iteration"][at]), ORDER.index(group), at, f"{group}/{name}", value))
    return [(iteration, tag, value) for iteration, _, _, tag, value in sorted(found, key=lambda each: each[:3])]


def _records(results: Results) -> bytes:
    try:
        from tensorboardX.crc32c import crc32c
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary
    except ImportError as error:
        raise UsageError(
            f"--tensorboard needs tensorboardX ({in_words(error)}). Install it with: pip install "
            '"esmaml-mpi[tensorboard]".'
        ) from error
    start, elapsed = _started(results), np.cumsum([0.0, *results.history["train"]["seconds"]])
    events = [Event(wall_time=start, file_version=VERSION)]
    for iteration, tag, value in scalars(results):
        done = iteration + tag.startswith(MEASURED_AFTER)  # iterations at its time
        when = start + elapsed[min(done, len(elapsed) - 1)]
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        events.append(Event(wall_time=when, step=iteration, summary=summary))
    return b"".join(_framed(event.SerializeToString(), crc32c) for event in events)


def _framed(data: bytes, crc32c: Callable[[bytes], int]) -> bytes:
    """A record of a TFRecord file: length, its checksum, data, their checksum, all little-endian."""
    length = len(data).to_bytes(8, "little")
    return length + _checksum(length, crc32c) + data + _checksum(data, crc32c)


def _checksum(data: bytes, crc32c: Callable[[bytes], int]) -> bytes:
    """CRC-32C, rotated by 15 bits and shifted by a constant, as TFRecord files have it."""
    value = crc32c(data)
    return ((((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def _started(results: Results) -> float:
    """Seconds since 1970 of the run's first start; 0 if its file does not say."""
    try:
        return datetime.strptime(results.launches[0]["started"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (KeyError, ValueError, TypeError):
        return 0.0
