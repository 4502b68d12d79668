"""From results files to folders of other formats."""

import argparse
from collections.abc import Callable
from pathlib import Path

from esmaml_mpi.errors import UsageError, UserError
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.training.standard_output import product


def export(options: argparse.Namespace) -> int:
    """Carry the ``export`` command out; returns the exit code."""
    if not options.tensorboard and not options.csv:
        raise UsageError("export: --tensorboard FOLDER or --csv FOLDER is wanted, or both; or --policy FORMAT.")
    paths = [Path(path) for path in options.results]
    _check_names(paths)
    writers: list[tuple[str, Callable[[Results, Path], Path]]] = []
    if options.tensorboard:
        from esmaml_mpi.reports.tensorboard import write_events

        writers.append((options.tensorboard, write_events))
    if options.csv:
        from esmaml_mpi.reports.csv_files import write_tables

        writers.append((options.csv, write_tables))
    for path in paths:
        results = read(path)
        for folder, write in writers:
            product(_written(write, results, Path(folder) / path.stem))
    return 0


def _check_names(paths: list[Path]) -> None:
    """Two files of one name would take each other's place."""
    by_name: dict[str, Path] = {}
    for path in paths:
        other = by_name.setdefault(path.stem, path)
        if other != path:
            raise UsageError(f"export: {other} and {path} would both go to {path.stem}; export them to two folders.")


def _written(write: Callable[[Results, Path], Path], results: Results, folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(results, folder)
    except OSError as error:
        raise _cannot(folder, error) from error


def _cannot(folder: Path, error: OSError) -> UserError:
    return UsageError(f"export: cannot write {error.filename or folder}: {error.strerror or error}.")
