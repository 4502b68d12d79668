"""The ``adapt`` command: adapt a trained meta-policy one trial at a time, on a robot or on a simulated task."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_at, add_set_adaptation, add_trust, positive


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    adapt = commands.add_parser(
        "adapt",
        help="adapt to a robot, one trial at a time",
        description="Adapt a trained meta-policy one trial at a time. Only the results file is needed, no "
        "simulator. Each trial's policy is written to a file beside the session (.npz, see "
        "docs/reference/results.md). Run it, then enter the reward it got, or `skip`, `undo`, `list`, "
        "`best`, `note TEXT`, `quit`, `help`. Whatever ends the program, the session goes on from the "
        "last reward told: with `esmaml adapt --session FILE`, or with esmaml_mpi.Session in Python. "
        "One process does it.",
    )
    adapt.add_argument(
        "results", nargs="?", metavar="RESULTS", help="results file of a training run; left out to go on with a session"
    )
    adapt.add_argument("--session", required=True, metavar="FILE", help="the session, begun if it does not exist")
    add_at(adapt, default=None)
    add_set_adaptation(adapt)
    add_trust(adapt)
    adapt.add_argument("--seed", type=int, metavar="N", help="seed of the perturbations (default: 0)")
    adapt.add_argument("--task", type=int, metavar="ID", help="simulate this task instead of asking for rewards")
    adapt.add_argument(
        "--command",
        metavar="COMMAND",
        help="run this for each trial, as './trial.sh {policy}', with the policy's path in place of {policy}; the last "
        "line that it prints is the reward, or skip. No shell: write one, as in \"sh -c '...'\", where one is wanted. "
        "What fails (exit code, no number, too late) is asked about at a terminal, and else tried three times",
    )
    adapt.add_argument("--limit", type=float, metavar="SECONDS", help="end a trial of --command that takes longer")
    adapt.add_argument(
        "--undo", type=positive, nargs="?", const=1, metavar="N", help="first take back the last N rewards (default: 1)"
    )
    adapt.add_argument("--trials", type=positive, metavar="N", help="leave after this many trials (default: all)")
    adapt.set_defaults(run=adapt_command, collective=False)


def adapt_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code, 75 if the session was left before its end."""
    from esmaml_mpi.trained.adapting import adapt

    return adapt(options)
