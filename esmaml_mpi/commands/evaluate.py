"""The ``evaluate`` command: adapt a trained meta-policy to test tasks, on all ranks that a launcher has started."""

import argparse
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Commands, add_at, add_set_adaptation, add_trust, positive
from esmaml_mpi.training.standard_output import reader_left

if TYPE_CHECKING:
    from esmaml_mpi.parallel.world import World


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    evaluate = commands.add_parser(
        "evaluate",
        help="adapt a trained meta-policy to test tasks",
        description="Adapt a trained meta-policy to test tasks, and report its reward before and after. The "
        "randomness is fresh, not that of training.",
    )
    evaluate.add_argument("results", metavar="RESULTS", help="results file of a training run, running ones too")
    add_at(evaluate)
    evaluate.add_argument("--tasks", metavar="IDS", help="task ids, as 0,1,5-9 (default: the run's test tasks)")
    evaluate.add_argument(
        "--repeats", type=positive, default=20, metavar="N", help="adaptations per task (default: 20)"
    )
    evaluate.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the adaptations (default: 0)")
    add_set_adaptation(evaluate)
    add_trust(evaluate)
    evaluate.add_argument("--json", metavar="FILE", help="also write every return to this file; - for standard output")
    evaluate.set_defaults(run=evaluate_command, collective=True)


def evaluate_command(options: argparse.Namespace, world: "World") -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.trained.evaluation import evaluate

    try:
        return evaluate(options, world)
    except BrokenPipeError:  # `esmaml evaluate ... | head`; the ranks have done their work
        return reader_left()
