"""A world over an MPI communicator, which can go on without ranks that died where MPI lets it."""

import os
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
from mpi4py import MPI

from esmaml_mpi.parallel.launcher import end_job, launcher
from esmaml_mpi.parallel.siblings import Siblings
from esmaml_mpi.parallel.world import RankLost, World

_ONE = np.ones(1, dtype=np.int64)
PATIENCE = 10.0  # seconds that ranks have to end themselves once one of them aborts


def _as_word(code: int) -> int:
    """An exit code and its complement, so that codes that differ can be told when words are joined by or."""
    return code << 8 | code ^ 0xFF if code else 0


def _code_in(words: int) -> int:
    """The exit code in words that were joined by or: 0 if there was none, 1 where ranks had different ones."""
    code, complement = words >> 8 & 0xFF, words & 0xFF
    return code if code & complement == 0 else 1


def _exit(code: int) -> None:
    """End this process without MPI_Finalize."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class MPIWorld(World):
    """Buffers travel raw, nothing is pickled.

    With User-Level Failure Mitigation (``mpirun --with-ft ulfm`` of Open MPI 5) a dead rank raises RankLost on the
    survivors; without it, MPI ends the job.
    """

    def __init__(self) -> None:
        self._comm: MPI.Intracomm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.rank, self._comm.size
        self.library = MPI.Get_library_version().split("\x00")[0].strip()
        self.survives_losses = os.environ.get("OMPI_MCA_mpi_ft_enable", "0").lower() in ("1", "true")
        self._window: MPI.Win | None = None
        self._ticket = np.zeros(1, dtype=np.int64)
        neighbours = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        self._longest_nap = 0.001 * max(1.0, neighbours.size / (os.cpu_count() or 1))
        pids = np.empty(neighbours.size, dtype=np.int64)
        neighbours.Allgather(np.array([os.getpid()], dtype=np.int64), pids)
        self._siblings = Siblings(pids.tolist())
        neighbours.Free()

    def broadcast(self, buffer: np.ndarray) -> None:
        self._complete(lambda: self._comm.Ibcast(buffer, root=0))

    def gather(self, block: np.ndarray, counts: list[int]) -> np.ndarray | None:
        width = block.shape[1]
        out = np.empty((sum(counts), width)) if self.rank == 0 else None
        target = [out, [count * width for count in counts]] if self.rank == 0 else None
        block = np.ascontiguousarray(block)
        self._complete(lambda: self._comm.Igatherv(block, target, root=0))
        return out

    def sum(self, buffer: np.ndarray) -> None:
        self._complete(lambda: self._comm.Iallreduce(MPI.IN_PLACE, buffer, op=MPI.SUM))

    def open_tickets(self) -> None:
        if self._window is not None:
            return
        # A counter in rank 0's memory, for as long as the communicator lives.
        self._window = window = MPI.Win.Allocate(8 if self.rank == 0 else 0, 8, comm=self._comm)
        if self.rank == 0:
            counter = np.frombuffer(window.tomemory(), dtype=np.int64)  # type: ignore[call-overload]  # it is a buffer
            counter[0] = 0
        self._complete(self._comm.Ibarrier)  # nobody draws before it is zero
        window.Lock_all()

    def ticket(self) -> int:
        assert self._window is not None
        self._window.Fetch_and_op(_ONE, self._ticket, 0, 0, MPI.SUM)
        self._window.Flush(0)
        return int(self._ticket[0])

    def recover(self) -> None:
        self._close_up(leaving=False)

    def leave(self) -> bool:
        return self._close_up(leaving=True) if self.survives_losses else True

    def abort(self, code: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        if self.survives_losses:
            # MPI_Abort would end this process alone, and leave the others waiting: they are told, and end themselves.
            force = threading.Timer(PATIENCE, self._end_by_force, (code,))
            force.daemon = True
            force.start()
            self._close_up(leaving=False, code=code)
        self._comm.Abort(code)

    def close(self, code: int) -> None:
        if self.lost:
            # MPI_Finalize synchronises with all processes there ever were and can hang when some are dead. Everybody
            # has agreed to leave, so there is nothing left to wait for.
            _exit(code)
        if self._window is not None:
            self._window.Unlock_all()
            self._window.Free()
        MPI.Finalize()

    def _complete(self, start: Callable[[], MPI.Request]) -> None:
        """Start an operation and wait for its end.

        Spins briefly, then sleeps a tenth of the time waited so far, so that waiting ranks leave the cores to working
        ones.
        """
        try:
            request = start()
            began = time.perf_counter()
            while not request.Test():
                waited = time.perf_counter() - began
                time.sleep(0.0 if waited < 200e-6 else min(waited / 10, self._longest_nap))
                if self.survives_losses and self._siblings.vanished(waited):
                    self._give_up()
        except MPI.Exception as error:
            if self._is_loss(error):
                raise RankLost from error
            raise

    def _is_loss(self, error: MPI.Exception) -> bool:
        if not self.survives_losses:
            return False
        if error.Get_error_class() in (MPI.ERR_PROC_FAILED, MPI.ERR_PROC_FAILED_PENDING, MPI.ERR_REVOKED):
            return True
        # Starting to send to a process that has just died fails with a general error.
        return self._comm.Is_revoked() or self._comm.Get_failed().size > 0

    def _give_up(self) -> None:
        """A rank of this node has ended and MPI does not notice, as it notices deaths by signals alone."""
        print(
            "esmaml: a process of this job has ended by itself, as a simulator does that calls exit, and MPI has not "
            "noticed: the job is ended. --resume goes on from the last checkpoint.",
            file=sys.stderr,
            flush=True,
        )
        self._end_by_force(1)

    def _end_by_force(self, code: int) -> None:
        """Where ranks do not answer, frozen or in the middle of a long evaluation."""
        above = launcher()
        if above is None:
            self._comm.Abort(code)
        else:
            end_job(above)
        os._exit(code)

    def _close_up(self, leaving: bool, code: int = 0) -> bool:
        """Replace the communicator by one of the survivors; whether all of them are leaving.

        Every survivor comes here: those that saw the loss revoke the communicator, which makes the others see it.
        Shrink and Agree work on a revoked communicator and with further losses. A ``code`` other than 0 has all of them
        end with it, and this call then does not return on any of them.
        """
        word = ~(_as_word(code) << 1 | (not leaving))  # Agree joins the words of all by a bitwise and
        while True:
            if not leaving:
                self._comm.Revoke()
            before = self.size
            self._comm = self._comm.Shrink()  # type: ignore[assignment]  # an Intracomm, as it is of one
            self.lost += before - self._comm.size
            self.rank, self.size = self._comm.rank, self._comm.size
            self._window = None  # of the old communicator; freeing it would need the dead
            self._siblings.forget_the_dead()
            try:
                agreed = self._comm.Agree(word)
            except MPI.Exception as error:  # one more died meanwhile; Agree fails on all or on none
                if not self._is_loss(error):
                    raise
                continue
            if ordered := _code_in(~agreed >> 1):
                _exit(ordered)
            return bool(agreed & 1)
