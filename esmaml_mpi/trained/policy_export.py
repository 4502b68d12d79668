"""The policy of a file, written for programs that have neither this package nor Python."""

import argparse
import os
from pathlib import Path

from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.trained.c_source import c_source, identifier
from esmaml_mpi.trained.onnx_model import onnx_model
from esmaml_mpi.trained.policy_card import card
from esmaml_mpi.trained.policy_file import archive
from esmaml_mpi.trained.policy_sources import find_policy
from esmaml_mpi.trained.portable_policy import PortablePolicy
from esmaml_mpi.training.standard_output import product


def export_policy(options: argparse.Namespace) -> int:
    """Carry ``export --policy`` out; returns the exit code. UserError, and nothing is written, if it is refused."""
    if len(options.results) != 1:
        raise UsageError(f"--policy {options.policy}: one file is wanted, not {len(options.results)}.")
    source, format = Path(options.results[0]), options.policy
    path = Path(options.output) if options.output else source.with_name(f"{source.stem}.policy.{format}")
    if path.suffix != f".{format}" or any(letter in path.name for letter in '"\\\n'):
        raise UsageError(f"--output {path}: a plain name that ends with .{format} is wanted.")
    portable = find_policy(source, options.at)
    files = contents(portable, format, path)
    if not options.overwrite:
        _check_absent(list(files))
    for file, data in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, data)
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror or error}.") from error
        product(file)
    return 0


def contents(portable: PortablePolicy, format: str, path: Path) -> dict[Path, bytes]:
    """Every file of a format with what is to be in it, the card last."""
    names = [path.name] if format != "c" else [path.with_suffix(".h").name, path.name]
    prefix = identifier(path.stem) if format == "c" else ""
    text = card(portable, format, names, prefix)
    if format == "npz":
        parts = [archive(portable)]
    elif format == "onnx":
        parts = [onnx_model(portable, text)]
    else:
        parts = [part.encode() for part in c_source(portable, prefix, names[0])]
    files = {path.with_name(name): part for name, part in zip(names, parts, strict=True)}
    return {**files, path.with_name(f"{path.name}.json"): text.encode()}


def _check_absent(files: list[Path]) -> None:
    for file in files:
        if os.path.lexists(file):
            raise UsageError(f"{file} exists. Replace it with --overwrite, or choose another --output.")
