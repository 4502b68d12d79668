"""The ``train`` command: meta-train, on all ranks that a launcher has started."""

import argparse
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Commands, add_is_complete, add_set

if TYPE_CHECKING:
    from esmaml_mpi.parallel.world import World


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    train = commands.add_parser(
        "train", help="meta-train, or continue training", description="Meta-train as the configuration says."
    )
    train.add_argument(
        "config", metavar="CONFIG", help="TOML file; `esmaml config` prints one with every setting explained"
    )
    add_set(train)
    train.add_argument("--output", metavar="FILE.h5", help="results file (default: results/NAME.h5, NAME = run.name)")
    existing = train.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume", action="store_true", help="continue an existing results file; starts a new one if there is none"
    )
    existing.add_argument("--overwrite", action="store_true", help="replace an existing results file")
    help = "look for modules of yours in this folder too, as beside CONFIG; repeatable"
    train.add_argument("--modules", action="append", default=[], metavar="FOLDER", help=help)
    help = (
        "begin with the parameters and the statistics of observations of another run: those that it has got to, or "
        "of an iteration that was tested (or best, or last); all else is as CONFIG says"
    )
    train.add_argument("--from", dest="start", metavar="RESULTS[:ITERATION]", help=help)
    train.add_argument("--quiet", action="store_true", help="print warnings and errors alone")
    add_is_complete(train)
    train.set_defaults(run=train_command, collective=True)


def train_command(options: argparse.Namespace, world: "World") -> int:
    """Carry the command out; returns the exit code."""
    if options.is_complete:
        from esmaml_mpi.sweeps.state import say_state

        return say_state(world, options.config, options.set, options.output)
    from esmaml_mpi.training.launch import launch

    existing = {"resume": options.resume, "overwrite": options.overwrite}
    how = {"folders": options.modules, "quiet": options.quiet, "start": options.start}
    return launch(world, options.config, options.set, options.output, **existing, **how)
