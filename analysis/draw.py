"""Draws the figures of an experiment file from the folder of its runs, with the scripts that the file names.

Example: python analysis/draw.py configs/figure_1.toml results/figure_1/small --size small
"""

import argparse
import glob
import shlex
import subprocess
import sys
from pathlib import Path

from esmaml_mpi.errors import UserError
from esmaml_mpi.sweeps.experiment_file import PAPER
from esmaml_mpi.sweeps.plan import Sweep

SCRIPTS = Path(__file__).parent


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Run every line of ``figure.draw``; returns the exit code, 1 if one of them failed."""
    parser = make_parser()
    parser.prog = program or parser.prog
    options = parser.parse_args(arguments)
    try:
        lines = Sweep(options.experiment, options.size).draw
        if not options.folder.is_dir():
            raise UserError(f"{options.folder} is no folder.")
        failed = [line for line in lines if not _draw(line, options.folder)]
    except UserError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    if not lines:
        print(f"{parser.prog}: {options.experiment} says nothing in figure.draw", file=sys.stderr)
    return 1 if failed else 0


def _draw(line: str, folder: Path) -> bool:
    """One script, working in ``folder``; patterns among its arguments stand for the results there that match."""
    script, *words = shlex.split(line)
    if not (SCRIPTS / script).is_file():
        raise UserError(f"figure.draw: {line}: there is no script {script} in {SCRIPTS}.")
    command = [sys.executable, str((SCRIPTS / script).resolve())]
    for word in words:
        found = sorted(glob.glob(word, root_dir=folder)) if glob.has_magic(word) else [word]
        if not found:
            print(f"draw: {line}: nothing in {folder} matches {word}", file=sys.stderr)
            return False
        command += found
    print(f"$ {line}", flush=True)
    return subprocess.run(command, cwd=folder).returncode == 0


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="draw",
        description="Draw the figures of an experiment file: the lines of its figure.draw.",
    )
    parser.add_argument("experiment", metavar="FILE", help="experiment file, as configs/figure_1.toml")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="its runs, and where the pictures go")
    parser.add_argument("--size", default=PAPER, metavar="NAME", help="a size of the file (default: paper)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
