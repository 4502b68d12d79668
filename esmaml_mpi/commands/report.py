"""The ``report`` command: one HTML page about runs, by analysis/report.py."""

import argparse

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.commands.scripts import add_script, run_script

PROGRAM = "esmaml report"


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    add_script(
        commands,
        "report",
        help="one HTML page about any runs",
        description="As `python analysis/report.py` in a checkout.",
        run=report_command,
        scripts={PROGRAM: "report"},
    )


def report_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    return run_script("report", PROGRAM, options.arguments)
