"""The ``info`` command: what a results file says, in the terminal."""

import argparse
from pathlib import Path

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.training.standard_output import product, product_stream


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    info = commands.add_parser(
        "info",
        help="what a results file says, of a running job too",
        description="Summarise a results file: which run, how far it is, reward before and after adaptation, failures, "
        "where the time goes, where the numbers come from, and which settings are not the defaults. The file of a "
        "running job says what its last write said.",
    )
    info.add_argument("results", metavar="RESULTS", help="results file of a training run, running ones too")
    form = info.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the summary as JSON")
    help = "seal a file again that another program has changed, if its structure is sound; the file as it was is kept"
    form.add_argument("--repair", action="store_true", help=help)
    form.add_argument("--config", action="store_true", help="print the run's configuration as TOML, and nothing else")
    info.set_defaults(run=info_command, collective=False)


def info_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.results.reader import read
    from esmaml_mpi.results.repair import explained, repair

    if options.repair:
        product(repair(Path(options.results)))
        return 0
    with explained(options.results):
        results = read(options.results)
    if options.config:
        product(results.config.to_toml(), end="")
        return 0
    from esmaml_mpi.reports.summary import summarize

    summary = summarize(results)
    if options.json:
        import json

        product(json.dumps(summary, indent=1))
    else:
        import shutil

        from esmaml_mpi.reports.text import in_lines

        product(in_lines(summary, shutil.get_terminal_size().columns if product_stream().isatty() else None))
    return 0
