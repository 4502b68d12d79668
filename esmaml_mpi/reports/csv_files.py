"""The series of a run as CSV, one file a group."""

import csv
import io
from pathlib import Path

import numpy as np

from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.replacing import check_replaceable


def write_tables(results: Results, folder: Path) -> Path:
    """Write GROUP.csv for every group into ``folder`` and return it; OSError if that is impossible.
    UsageError if a file of another kind has one of these names.

    A series of vectors or matrices has a column for each element, as values_0 or after_2_4 (task 2, repeat 4 by their
    places). Numbers are written so that reading them gives the same bits.
    """
    for group in GROUPS:
        check_replaceable(folder / f"{group}.csv", "", b"iteration,")
        replace_file(folder / f"{group}.csv", _table(results.history[group]).encode())
    return folder


def _table(series: dict[str, np.ndarray]) -> str:
    names, columns = [], []
    for name, rows in series.items():
        for place in np.ndindex(rows.shape[1:]):
            names.append("_".join([name, *map(str, place)]))
            columns.append(rows[:, *place].tolist())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()
