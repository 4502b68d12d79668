"""The ``adapt`` command: adapt a trained meta-policy one trial at a time, on a robot or on a simulated task."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_at, add_set_adaptation, positive


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    adapt = commands.add_parser(
        "adapt",
        help="adapt to a robot, one trial at a time",
        description="Adapt a trained meta-policy one trial at a time. Each trial's policy is written to a file beside "
        "the session (.npz, see docs/reference/results.md); run it, then enter the reward it got, `failed` if it got "
        "none, or q to leave. Whatever ends the program, the session goes on from the last reward entered: "
        "`esmaml adapt --session FILE`. One process.",
    )
    adapt.add_argument(
        "results", nargs="?", metavar="RESULTS", help="results file of a training run; left out to go on with a session"
    )
    adapt.add_argument("--session", required=True, metavar="FILE", help="the session, begun if it does not exist")
    add_at(adapt, default=None)
    add_set_adaptation(adapt)
    adapt.add_argument("--seed", type=int, metavar="N", help="seed of the perturbations (default: 0)")
    adapt.add_argument("--task", type=int, metavar="ID", help="take the rewards from this simulated task, no robot's")
    adapt.add_argument("--trials", type=positive, metavar="N", help="leave after this many trials (default: all)")
    adapt.set_defaults(run=adapt_command, collective=False)


def adapt_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code, 75 if the session was left before its end."""
    from esmaml_mpi.trained.session import adapt

    return adapt(options)
