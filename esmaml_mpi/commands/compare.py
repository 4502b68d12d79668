"""The ``compare`` command: whether groups of runs differ, by analysis/comparison.py."""

import argparse

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.commands.scripts import add_script, run_script

PROGRAM = "esmaml compare"


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    add_script(
        commands,
        "compare",
        help="whether groups of runs differ, with tests",
        description="As `python analysis/comparison.py` in a checkout.",
        run=compare_command,
        scripts={PROGRAM: "comparison"},
    )


def compare_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    return run_script("comparison", PROGRAM, options.arguments)
