"""The series of a run as CSV, one file a group."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.replacing import check_replaceable
from esmaml_mpi.results.tables import columns


def write_tables(results: Results, folder: Path) -> Path:
    """Write GROUP.csv for every group into ``folder`` and return it; OSError if that is impossible.
    UsageError if a file of another kind has one of these names.

    Columns are those of ``results/tables.py``: of tests a row for each adaptation. Numbers are written so that reading
    them gives the same bits.
    """
    for group in GROUPS:
        check_replaceable(folder / f"{group}.csv", "", b"iteration,")
        replace_file(
            folder / f"{group}.csv",
            _table(columns(results.history[group], group, results.test_task_ids)).encode(),
        )
    return folder


def _table(found: Mapping[str, np.ndarray]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(found)
    writer.writerows(zip(*(column.tolist() for column in found.values()), strict=True))
    return text.getvalue()
