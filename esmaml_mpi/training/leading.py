"""Rank 0's part of a run."""

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.errors import UserError, counted
from esmaml_mpi.parallel.plan import idle
from esmaml_mpi.parallel.rounds import Rounds
from esmaml_mpi.parallel.world import World
from esmaml_mpi.training.loop import Training
from esmaml_mpi.training.moment import Callback
from esmaml_mpi.training.progress import Progress
from esmaml_mpi.training.record import RunRecord
from esmaml_mpi.training.state import State


def lead(
    rounds: Rounds, record: RunRecord, successor: bool, quiet: bool = False, callback: Callback | None = None
) -> int:
    """Lead the run to its end or to a signal; returns the exit code. ``successor``: the ranks before it died.

    ``quiet``: only warnings are printed; ``callback``: told of each iteration, stops the run if it returns True.
    """
    experiment, config = rounds.experiment, rounds.experiment.config
    state = State.initial(experiment)
    if record.checkpoint is not None:
        state.restore(record.checkpoint)
    elif record.beginning is not None:
        state.begin_with(record.beginning)
    progress = Progress(config.meta.iterations, state.iteration, quiet=quiet)
    training = Training(rounds, state, record, progress, callback)
    if successor:
        progress.message(f"rank 0 died; its successor goes on from iteration {state.iteration}")
        training.recorded = record.recoveries
        training.record_recoveries()
    else:
        _announce(progress, experiment, rounds.world)
        if record.beginning is not None:
            facts = record.beginning.facts
            progress.announce(f"begins with iteration {facts['from_iteration']} of {facts['from_file']}")
        if record.checkpoint is not None:
            total = config.meta.iterations
            progress.announce(
                f"it goes on from iteration {state.iteration} of {total}"
                if state.iteration < total
                else f"all {counted(total, 'iteration')} are done already"
            )
    try:
        code = training.run()
    except UserError as error:
        if not rounds.under_way:  # the others wait for the next one, and can be told
            rounds.stop(error.exit_code)
            error.known_to_all_ranks = True
        raise
    finally:
        progress.close()
    rounds.stop(code)
    return code


def _announce(progress: Progress, experiment: Experiment, world: World) -> None:
    config, units = experiment.config, experiment.algorithm.most_units
    progress.announce(
        f"{config.run.name}: {config.task.name}, d = {experiment.meta_size}, {experiment.algorithm.announcement}, "
        f"{counted(world.size, 'rank')}"
    )
    spare = idle(world.size, units)
    if spare:
        could_be_more = 0 < getattr(config.meta, "shares", 0) < getattr(config.adaptation, "queries", 0)
        more = "; a larger meta.shares makes more" * could_be_more
        progress.announce(
            f"{spare} of {world.size - 1} workers have no evaluation to do: there are {units} at a time{more}"
        )
