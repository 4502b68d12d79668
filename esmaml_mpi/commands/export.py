"""The ``export`` command: results files for programs that do not read HDF5."""

import argparse

from esmaml_mpi.commands.arguments import Commands


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    export = commands.add_parser(
        "export",
        help="results for TensorBoard, or as CSV",
        description="Write what results files hold in other formats, each into a folder of its own, FOLDER/NAME for "
        "NAME.h5. The same command again brings the folder up to date, also while jobs are running.",
    )
    export.add_argument("results", nargs="+", metavar="RESULTS", help="results files, running ones too")
    help = 'event files for `tensorboard --logdir FOLDER`; needs pip install "esmaml-mpi[tensorboard]"'
    export.add_argument("--tensorboard", metavar="FOLDER", help=help)
    export.add_argument("--csv", metavar="FOLDER", help="one file for each group of series, as train.csv")
    export.set_defaults(run=export_command, collective=False)


def export_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.reports.export import export

    return export(options)
