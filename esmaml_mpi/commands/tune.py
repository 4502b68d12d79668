"""The ``tune`` command: a search of an experiment file's settings."""

import argparse
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Commands, add_is_complete, add_set, positive

if TYPE_CHECKING:
    from esmaml_mpi.parallel.world import World


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    tune = commands.add_parser(
        "tune",
        help="search an experiment file's settings",
        description="Search the settings that [tune] of an experiment file names, with Optuna, at equal rollouts "
        "(docs/tuning.md). Trials that cannot win are ended at tests. The best are trained again with fresh seeds, and "
        "best.toml holds the best of these. The same command goes on after anything; several of it, also on "
        "several machines, share the study. Under mpirun or srun all ranks train each run together.",
        epilog="Exit codes: 0 the search is complete; 1 an error; 2 bad usage or configuration; 75 stopped by a "
        "signal, the runs saved: the same command goes on.",
    )
    tune.add_argument("experiment", metavar="FILE", help="experiment file with a table [tune]")
    tune.add_argument("--size", default="paper", metavar="NAME", help="a size of the file, as small (default: paper)")
    add_set(tune)
    help = "folder of the study, its runs and best.toml (default: results/FILE's name/tune, or tune_SIZE)"
    tune.add_argument("--output", metavar="FOLDER", help=help)
    help = "processes at once (default: one for each core, or for each run.threads cores)"
    tune.add_argument("--jobs", type=positive, metavar="N", help=help)
    tune.add_argument("--quiet", action="store_true", help="print warnings and errors alone")
    what = tune.add_mutually_exclusive_group()
    what.add_argument("--report", action="store_true", help="train nothing: print the table, as far as the search is")
    what.add_argument("--part", action="store_true", help="be one process of several, and leave the table to another")
    add_is_complete(tune)
    tune.set_defaults(run=tune_command, collective=True)


def tune_command(options: argparse.Namespace, world: "World") -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.tuning.run import tune

    return tune(options, world)
