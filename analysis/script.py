"""What the scripts share: how they end, what they say beside their result, and options that several have."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import style
from bands import BANDS

from esmaml_mpi.errors import UserError
from esmaml_mpi.rollouts.simulate import RolloutError

Note = Callable[[str], None]  # takes what a reader of the result should know: runs left out, failures, files unfinished


def run(
    parser: argparse.ArgumentParser, arguments: list[str] | None, work: Callable, program: str | None = None
) -> int:
    """Do ``work(options, note)``; an error is one line that begins with the script's name. Returns the exit code.

    ``program`` is its name where a command of ``esmaml`` has called it.
    """
    parser.prog = program or parser.prog
    options = parser.parse_args(arguments)
    try:
        work(options, noting(parser.prog))
        sys.stdout.flush()
    except BrokenPipeError:  # `learning_curves.py ... | head`: nobody reads any more, which is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (UserError, RolloutError) as error:
        print(f"{parser.prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def noting(name: str) -> Note:
    """Notes on stderr."""
    return lambda text: print(f"{name}: {text}", file=sys.stderr)


def parser(name: str, description: str, figure: bool = True) -> argparse.ArgumentParser:
    """A parser that takes results files and, if it draws a ``figure``, where to write it."""
    made = argparse.ArgumentParser(prog=name, description=description, allow_abbrev=False)
    made.add_argument("results", metavar="RESULTS", nargs="+", type=Path, help="results files, finished or running")
    if figure:
        made.add_argument(
            "--output",
            metavar="FILE",
            type=Path,
            default=Path(f"{name}.png"),
            help=f"figure to write: {', '.join(style.SUFFIXES)} (default: {name}.png in the current folder)",
        )
    return made


def instant(text: str) -> str | int:
    """Parameters that --at names."""
    if text in ("last", "best"):
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: last, best or an iteration is wanted") from None


def count(most: int) -> Callable[[str], int]:
    """A number from 1 to ``most``."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to {most} is wanted")
        return int(text)

    return parse


def add_band(parser: argparse.ArgumentParser) -> None:
    """--band."""
    parser.add_argument(
        "--band",
        choices=BANDS,
        default="ci",
        help="; ".join(f"{kind}: {text}" for kind, text in BANDS.items()).replace("%", "%%")
        + " (default: ci). The legend says how much so few seeds can tell.",
    )
