"""The ``info`` command: what results files say, in the terminal."""

import argparse
import sys
from pathlib import Path

from esmaml_mpi.commands.arguments import Commands, columns
from esmaml_mpi.errors import UsageError, UserError
from esmaml_mpi.training.standard_output import product, product_stream


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    info = commands.add_parser(
        "info",
        help="what a results file says, of a running job too",
        description="Summarise a results file: which run it is, how far it is, its reward before and after "
        "adaptation, failures, where the time goes, where the numbers come from, and which settings "
        "are not the defaults. Of a running job you see what its last write said. Several files make "
        "a table, one line each.",
    )
    info.add_argument("results", nargs="+", metavar="RESULTS", help="results files of training runs, running ones too")
    form = info.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the summary as JSON; of several files a list")
    help = "seal a file again that another program has changed, if its structure is sound; the file as it was is kept"
    form.add_argument("--repair", action="store_true", help=help)
    form.add_argument("--config", action="store_true", help="print the run's configuration as TOML, and nothing else")
    info.set_defaults(run=info_command, collective=False)


def info_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    if len(options.results) > 1:
        return _several(options)
    from esmaml_mpi.results.repair import repair

    path = options.results[0]
    if options.repair:
        product(repair(Path(path)))
    elif options.config:
        from esmaml_mpi.results.repair import looked_at

        product(looked_at(path, _say).config.to_toml(), end="")
    elif options.json:
        _print_json(_summary(path))
    else:
        from esmaml_mpi.reports.text import in_lines

        product(in_lines(_summary(path), columns(product_stream())))
    return 0


def _several(options: argparse.Namespace) -> int:
    """Those that can be read; what is wrong with the others is said, and decides the exit code."""
    from esmaml_mpi.results.repair import repair

    if options.config:
        raise UsageError(f"--config: one results file is wanted, not {len(options.results)}.")
    summaries, code = [], 0
    for path in options.results:
        try:
            if options.repair:
                product(repair(Path(path)))
            else:
                summaries.append(_summary(path))
        except UserError as error:
            print(f"esmaml: {error}", file=sys.stderr, flush=True)
            code = error.exit_code
    if options.json:
        _print_json(summaries)
    elif summaries:
        from esmaml_mpi.reports.overview import overview

        product(overview(summaries, columns(product_stream())))
    return code


def _summary(path: str) -> dict:
    from esmaml_mpi.reports.summary import summarize
    from esmaml_mpi.results.repair import looked_at

    return summarize(looked_at(path, _say))


def _say(text: str) -> None:
    print(f"esmaml: {text}", file=sys.stderr, flush=True)


def _print_json(value: object) -> None:
    import json

    product(json.dumps(value, indent=1))
