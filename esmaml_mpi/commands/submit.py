"""The ``submit`` command: training as Slurm jobs."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_set, positive


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    submit = commands.add_parser(
        "submit",
        help="train on a Slurm cluster",
        description="Submit a configuration as a Slurm job, or the runs of an experiment file as job arrays, with "
        "the scripts of jobs/. Runs that are complete, running or in the queue are left out, so that "
        "the same command submits again what has failed. An array with more indices than the site "
        "allows is split.",
    )
    submit.add_argument("config", metavar="FILE", help="configuration, or experiment file")
    submit.add_argument("--size", default="paper", metavar="NAME", help="a size of an experiment file (default: paper)")
    add_set(submit)
    help = "results file, or of an experiment file the folder of its runs"
    submit.add_argument("--output", metavar="PLACE", help=help)
    help = "only the runs whose names match, as 'hc_*'; repeatable"
    submit.add_argument("--only", action="append", default=[], metavar="PATTERN", help=help)
    submit.add_argument("--ranks", type=positive, metavar="N", help="ranks of each run (default: the script's)")
    help = 'further options of sbatch, as --sbatch "--time=4:00:00 --account=my_project"'
    submit.add_argument("--sbatch", default="", metavar="OPTIONS", help=help)
    submit.takes_options = ("--sbatch",)
    help = "of an experiment file: at most so many runs at once (default: as many as Slurm gives)"
    submit.add_argument("--at-once", type=positive, metavar="N", help=help)
    submit.add_argument("--jobs", default="jobs", metavar="FOLDER", help="where the job scripts are (default: jobs)")
    what = submit.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="print the sbatch commands and submit nothing")
    help = "say of each run how far it is, what its job does, and how its last one has ended"
    what.add_argument("--status", action="store_true", help=help)
    submit.set_defaults(run=submit_command, collective=False)


def submit_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.sweeps.submission import submit

    return submit(options)
