"""The ``export`` command: results for programs that do not read HDF5, and policies for those that act."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_at
from esmaml_mpi.errors import UsageError


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    export = commands.add_parser(
        "export",
        help="results for TensorBoard or as CSV, and policies for robots",
        description="Write what results files hold in other formats. NAME.h5 gets a folder of its own, "
        "FOLDER/NAME. The same command again brings the folder up to date, also while jobs are "
        "running. With --policy, write one policy for a program that acts with it instead. That is "
        "the meta-policy of a results file, the best policy of a session, or a policy that `esmaml "
        "adapt` has written.",
    )
    export.add_argument("results", nargs="+", metavar="RESULTS", help="results files, running ones too")
    help = 'event files for `tensorboard --logdir FOLDER`; needs pip install "esmaml-mpi[tensorboard]"'
    export.add_argument("--tensorboard", metavar="FOLDER", help=help)
    export.add_argument("--csv", metavar="FOLDER", help="one file for each group of series, as train.csv")
    help = (
        'one policy: plain NumPy arrays, ONNX (needs pip install "esmaml-mpi[onnx]"), or C99; each with a card in JSON'
    )
    export.add_argument("--policy", choices=("npz", "onnx", "c"), help=help)
    help = "of --policy: the file to write, with the format's ending (default: RESULTS.policy.FORMAT beside it)"
    export.add_argument("--output", metavar="FILE", help=help)
    add_at(export, default=None)
    export.add_argument("--overwrite", action="store_true", help="of --policy: replace files that exist")
    export.set_defaults(run=export_command, collective=False)


def export_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    if options.policy:
        if options.tensorboard or options.csv:
            raise UsageError("export: --policy goes without --tensorboard and --csv; export twice.")
        from esmaml_mpi.trained.policy_export import export_policy

        return export_policy(options)
    for flag, value in (("--output", options.output), ("--at", options.at), ("--overwrite", options.overwrite)):
        if value:
            raise UsageError(f"export: {flag} belongs to --policy.")
    from esmaml_mpi.reports.export import export

    return export(options)
