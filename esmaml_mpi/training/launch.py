"""From a command's arguments to a run: read and check on rank 0, tell the other ranks, train."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ToldToLeave, UsageError, UserError, counted
from esmaml_mpi.native import door
from esmaml_mpi.parallel.installations import check_program, differing
from esmaml_mpi.parallel.odd_ranks import odd_ranks
from esmaml_mpi.parallel.world import World
from esmaml_mpi.settings import modules
from esmaml_mpi.settings.registry import adopt, known_here
from esmaml_mpi.training.run import train

if TYPE_CHECKING:  # rank 0's
    from esmaml_mpi.results.history import History
    from esmaml_mpi.results.lock import OutputLock
    from esmaml_mpi.training.beginning import Source
    from esmaml_mpi.training.moment import Callback
    from esmaml_mpi.training.record import RunRecord


def agree(world: World, prepare: Callable[[], str]) -> str:
    """Run ``prepare`` on rank 0 and give its text to every rank.

    If it raises a UserError, the others raise ToldToLeave.
    """
    text = b""
    length = np.zeros(1, dtype=np.int64)
    if world.rank == 0:
        try:
            text = prepare().encode()
            length[0] = len(text)
        except UserError as error:
            length[0] = -error.exit_code
            world.broadcast(length)
            error.known_to_all_ranks = True
            raise
    world.broadcast(length)
    if length[0] < 0:
        raise ToldToLeave(-int(length[0]))
    buffer = np.frombuffer(text, dtype=np.uint8).copy() if world.rank == 0 else np.empty(length[0], dtype=np.uint8)
    world.broadcast(buffer)
    return buffer.tobytes().decode()


def launch(
    world: World,
    source: Config | Mapping | str | PathLike,
    overrides: Iterable[str],
    output: str | PathLike | None,
    resume: bool,
    overwrite: bool,
    folders: Iterable[str] = (),
    quiet: bool = False,
    callback: "Callback | None" = None,
    start: "Source | None" = None,
    here: str | None = None,
) -> int:
    """The ``train`` command on every rank; returns the exit code. ``folders``: where modules of the user's are looked
    for beside the usual places; ``callback``: rank 0's, of a single process; ``start``: what a new run begins with,
    see ``beginning``; ``here``: the folder that ``output`` is in unless it begins with one, by default the current.
    """
    record: RunRecord | None = None
    lock: list[OutputLock] = []  # rank 0's
    here = here or os.getcwd()  # an environment of the user's may go elsewhere
    begins = os.path.join(here, start) if isinstance(start, str | PathLike) else start
    unlike = differing(world)
    odd_in_ours, odd_with_libraries = odd_ranks(world)

    def prepare() -> str:
        nonlocal record
        from pathlib import Path

        from esmaml_mpi.config.code import places  # rank 0's business: workers stay lean
        from esmaml_mpi.config.foreign import foreign
        from esmaml_mpi.config.loading import load
        from esmaml_mpi.results.atomic import target
        from esmaml_mpi.results.provenance import collect
        from esmaml_mpi.training.opening import locked, opened, output_of

        other_libraries = check_program(unlike)
        for folder in folders:
            if not os.path.isdir(folder):
                raise UsageError(f"--modules {folder}: there is no such folder.")
            modules.look_in(folder)
        config = load(source, overrides).resolved()
        world.frozen_after = config.run.frozen_after
        shown = output_of(config, output)
        path = target(Path(here, shown))
        theirs = foreign(config)
        odd = odd_with_libraries if theirs else odd_in_ours
        facts = collect(world, config.run.threads, len(odd), bool(theirs), places(config).values())
        # A job that Slurm has requeued may start while its predecessor's ranks are still ending, and what is left of a
        # job begin again.
        patience = 60.0 if world.lost or (resume and "SLURM_JOB_ID" in os.environ) else 0.0
        lock.append(locked(path, resume or overwrite, patience, shown))
        try:
            record = opened(path, config, facts, overwrite, lock[0], here, begins)
        except BaseException:
            lock[0].release()
            raise
        config.remember()
        if other_libraries:
            print(f"esmaml: {other_libraries}: the numbers may differ in their last bits", file=sys.stderr, flush=True)
        if odd:
            _warn_of(odd, world.size, theirs)
        if door.missing():
            print(
                f"esmaml: no compiled kernels, NumPy is several times slower: {door.missing()}. Install a C compiler "
                "and Python's headers (gcc and python3-dev), then install esmaml_mpi again.",
                file=sys.stderr,
            )
        there = record.checkpoint is not None
        told = {"config": config.to_dict(), "path": str(path), "shown": str(shown), "facts": facts, "exists": there}
        return json.dumps(told | {"recoveries": record.recoveries, "known": known_here()})

    def open_record(successor: bool, written: bool) -> "RunRecord":
        nonlocal record
        if successor:
            from pathlib import Path

            from esmaml_mpi.training.opening import check_reached, locked, opened

            path = Path(told["path"])
            lock.append(locked(path, may_exist=True, patience=60.0))  # file servers notice a death after a while
            check_reached(path, written or told["exists"])
            # The file is this launch's own if rank 0 lived to write it; else things are as they were at the start.
            record = opened(path, config, facts, overwrite and not written, lock[-1], here, begins)
            record.recoveries -= recoveries
        assert record is not None  # rank 0's, or its successor's
        return record

    try:
        told = json.loads(agree(world, prepare))
        adopt(told["known"])
        config, facts = Config.from_dict(told["config"]), told["facts"]
        recoveries = told["recoveries"]  # of earlier launches
        code = train(config, world, open_record, quiet, callback)
    finally:
        if record is None or not getattr(record.store, "hangs", False):  # else it would hang here, too
            for held in lock:
                held.release()
    if world.rank == 0 and record is not None:
        if code == 0:
            from pathlib import Path

            from esmaml_mpi.results.attempt_marker import AttemptMarker

            AttemptMarker(Path(here), Path(told["path"])).remove()
        if code and (not quiet or callback is None):  # a callback that asked for it knows
            by = "a signal" if callback is None else "a signal or the callback"
            stopped = f"stopped by {by}; {told['shown']} holds everything so far, continue with --resume"
            print(stopped, file=sys.stderr if quiet else sys.stdout, flush=True)
        if not code and not quiet:
            _report(told["shown"], record.history, config)
    return code


def _warn_of(odd: list[int], size: int, theirs: list[str]) -> None:
    """Say which ranks compute other bits than rank 0, and which keys leave that to libraries."""
    shown = ", ".join(map(str, odd[:8])) + (", ..." if len(odd) > 8 else "")
    reason = "Their libraries differ: give all ranks the same ones."
    if theirs:
        reason = (
            f"{', '.join(theirs)} leaves arithmetic to libraries, which do it in another way on another processor. "
            "Where it must be, ask for nodes of one kind (Slurm: --constraint)."
        )
    print(
        f"esmaml: {len(odd)} of {size} ranks ({shown}) compute other last bits than rank 0: the run is valid, but "
        f"cannot be repeated bit for bit. {reason}",
        file=sys.stderr,
        flush=True,
    )


def _report(path: str, history: "History", config: Config) -> None:
    from esmaml_mpi.config.makers import best_possible
    from esmaml_mpi.estimators.rewards import finite_mean

    names = ("before", "after", "success_before", "success_after")
    before, after, *shares = (finite_mean(np.asarray(history.latest("test", name))) for name in names)
    returns = np.asarray(history.latest("test", "after"))
    failed = np.count_nonzero(~np.isfinite(returns))
    left_out = f" ({failed} of {returns.size} adaptations failed and are left out)" * bool(failed)
    success = f", success {shares[0]:.1%} and {shares[1]:.1%}" if np.isfinite(shares).all() else ""
    best = best_possible(config, config.test_tasks)
    print(
        f"{path}: {counted(config.meta.iterations, 'iteration')} done, test reward {before:.2f} before and "
        f"{after:.2f} after adaptation{left_out}{success}"
        + ("" if best is None else f"; the best possible is {best:.2f}"),
        flush=True,
    )
