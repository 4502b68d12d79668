"""The ``claims`` command: what the papers claim and what runs say of it, by analysis/claims.py."""

import argparse

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.commands.scripts import add_script, run_script

PROGRAM = "esmaml claims"


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    add_script(
        commands,
        "claims",
        help="what the papers claim, and what your runs say of it",
        description="As `python analysis/claims.py` in a checkout.",
        run=claims_command,
        scripts={PROGRAM: "claims"},
    )


def claims_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    return run_script("claims", PROGRAM, options.arguments)
