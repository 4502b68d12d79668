"""The ``tasks`` command: which task families there are, and their options."""

import argparse

from esmaml_mpi.commands.arguments import Commands, columns
from esmaml_mpi.training.standard_output import product, product_stream


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    tasks = commands.add_parser(
        "tasks",
        help="list task families, or one family's options",
        description="List the task families. With a name, list that family's options with their defaults.",
    )
    tasks.add_argument("name", nargs="?", metavar="NAME", help="a family, to see its options")
    tasks.set_defaults(run=tasks_command, collective=False)


def tasks_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.tasks.description import describe_families, describe_family

    width = columns(product_stream())
    product(describe_family(options.name, width) if options.name else describe_families(width))
    return 0
