"""The ``selftest`` command: whether what is installed works."""

import argparse

from esmaml_mpi.commands.arguments import Commands


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    selftest = commands.add_parser(
        "selftest",
        help="whether what is installed works, in under a minute",
        description="Check the installation in under a minute: versions and optional parts, a run of one process, "
        "the same run under mpirun with two ranks, whether both give the same bits, and a picture. Of "
        "each it says whether it is good, missing or failed, and what to do. It works in a temporary "
        "folder and leaves nothing behind.",
        epilog="Exit codes: 0 what is installed works, whatever is missing; 1 something that is installed does not.",
    )
    selftest.set_defaults(run=selftest_command, collective=False)


def selftest_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.selftest.selftest import selftest

    return selftest()
