"""The ``sweep`` command: an experiment file's runs, over settings and seeds."""

import argparse
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Commands, add_is_complete, add_set, positive

if TYPE_CHECKING:
    from esmaml_mpi.parallel.world import World


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    sweep = commands.add_parser(
        "sweep",
        help="train the runs of an experiment file",
        description="Train every run of an experiment file (docs/experiments.md): its points with each seed. "
        "Several run at once, each in a process of its own. Complete runs are skipped, others are "
        "continued. A file of another configuration is never touched. With --index one run is trained "
        "here, by all ranks that mpirun or srun has started.",
        epilog="Exit codes: 0 all runs are complete; 1 some failed; 2 bad usage or configuration, nothing started; 75 "
        "stopped by a signal, every run saved: the same command goes on.",
    )
    sweep.add_argument("experiment", metavar="FILE", help="experiment file, as configs/figure_1.toml")
    sweep.add_argument("--size", default="paper", metavar="NAME", help="a size of the file, as small (default: paper)")
    add_set(sweep)
    help = "folder of NAME.h5, NAME.log and NAME.toml (default: results/FILE's name/SIZE)"
    sweep.add_argument("--output", metavar="FOLDER", help=help)
    help = "only the runs whose names match, as 'hc_*'; repeatable"
    sweep.add_argument("--only", action="append", default=[], metavar="PATTERN", help=help)
    help = "runs at once (default: one for each core, or for each run.threads cores; 1 with --launcher)"
    sweep.add_argument("--jobs", type=positive, metavar="N", help=help)
    help = 'what starts the ranks of each run, as "mpirun -n 4" (default: one process, no ranks)'
    sweep.add_argument("--launcher", default="", metavar="COMMAND", help=help)
    sweep.add_argument("--quiet", action="store_true", help="print warnings and errors alone")
    what = sweep.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="only say which runs there are and how far each is")
    what.add_argument("--index", type=int, metavar="I", help="train run I of the list alone, in this very process")
    add_is_complete(sweep)
    sweep.set_defaults(run=sweep_command, collective=True)


def sweep_command(options: argparse.Namespace, world: "World") -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.sweeps.run import sweep

    return sweep(options, world)
