"""The ``config`` command: a configuration with every setting explained, or whether it is valid."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_set
from esmaml_mpi.training.standard_output import product


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    config = commands.add_parser(
        "config",
        help="print or check a configuration",
        description="Print the resolved configuration with every setting explained. Without a file these are the "
        "defaults.",
    )
    config.add_argument("config", nargs="?", metavar="CONFIG", help="TOML file")
    add_set(config)
    config.add_argument("--check", action="store_true", help="only say whether it is valid")
    config.set_defaults(run=config_command, collective=False)


def config_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.config.loading import load

    config = load(options.config or {}, options.set).resolved()
    config.remember()
    if options.check:
        product(f"{options.config or 'the default configuration'} is valid")
    else:
        product(config.to_toml(comments=True), end="")
    return 0
