"""A run on all ranks: rank 0 leads, the others serve, and one of them takes over where rank 0 dies."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.parallel.rounds import Promoted, Rounds
from esmaml_mpi.parallel.world import World
from esmaml_mpi.training.interruption import Interruption

if TYPE_CHECKING:
    from esmaml_mpi.training.moment import Callback
    from esmaml_mpi.training.record import RunRecord

LEAVING = "esmaml: this iteration is finished and saved first; Ctrl-C again leaves at once, without it"


def train(
    config: Config,
    world: World,
    open_record: "Callable[[bool, bool], RunRecord]",
    quiet: bool = False,
    callback: "Callback | None" = None,
) -> int:
    """Train on all ranks of ``world``; every rank calls this with the same resolved config. Returns the exit code.

    ``open_record`` is called on rank 0 with False, and with True on a rank that becomes rank 0 because those before it
    died; then the second argument says whether they had got as far as an iteration, and so had written a file.
    ``quiet`` and ``callback`` are rank 0's, see ``leading``.
    """
    experiment = Experiment(config)
    experiment.evaluator.give_up = lambda: world.abort(1)
    with Interruption(LEAVING if world.rank == 0 else "") as interruption:
        rounds = Rounds(world, experiment, lambda: interruption.requested)
        successor = False
        if world.rank != 0:
            try:
                return rounds.serve()
            except Promoted:
                successor = True
        from esmaml_mpi.training.leading import lead  # which most ranks never do

        return lead(rounds, open_record(successor, rounds.served), successor, quiet, callback)
