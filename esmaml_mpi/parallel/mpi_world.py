"""A world over an MPI communicator, which can go on without ranks that died where MPI lets it."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable

import mpi4py
import numpy as np
from mpi4py import MPI

from esmaml_mpi.parallel.cores import MOST_CORES, affinity, has_own_core, quota
from esmaml_mpi.parallel.launcher import end_job, launcher
from esmaml_mpi.parallel.roll_call import Person, RollCall
from esmaml_mpi.parallel.shrink_watch import ShrinkWatch
from esmaml_mpi.parallel.siblings import Siblings
from esmaml_mpi.parallel.world import RankLost, World

_ONE = np.ones(1, dtype=np.int64)
PATIENCE = 10.0  # seconds that ranks have to end themselves once one of them aborts
SHRINKING = 60.0  # seconds that MPI has to leave out the dead, once all others have come
SETTLING = 0.05  # seconds for deaths that come together, as of a host short of memory; see ``_come_together``
HURRY = 0.001  # seconds in which a rank with a core of its own polls without rest
HOST_BYTES = 64  # of a host's name
TAG = 7  # of messages between ranks


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


class _Post:
    """Small messages over all ranks of the launch, which go on where a collective call is broken off."""

    def __init__(self) -> None:
        self._comm = MPI.COMM_WORLD
        self._sent: list[tuple[MPI.Request, np.ndarray]] = []

    def send(self, rank: int, message: tuple[int, int, int]) -> None:
        numbers = np.array(message, dtype=np.int64)
        try:
            self._sent.append((self._comm.Isend(numbers, rank, TAG), numbers))
        except MPI.Exception:
            pass  # it has died: the call that waits will say so

    def take(self) -> list[tuple[int, tuple[int, int, int]]]:
        self._sent = [pair for pair in self._sent if not _is_over(pair[0])]
        found, status, numbers = [], MPI.Status(), np.empty(3, dtype=np.int64)
        try:
            while self._comm.Iprobe(MPI.ANY_SOURCE, TAG, status):
                self._comm.Recv(numbers, status.source, TAG)
                found.append((status.source, (int(numbers[0]), int(numbers[1]), int(numbers[2]))))
        except MPI.Exception:  # someone has died; nothing comes from anyone before that is taken note of
            self._comm.Ack_failed()
        return found


def _is_over(request: MPI.Request) -> bool:
    try:
        return request.Test()
    except MPI.Exception:  # its receiver has died
        return True


class MPIWorld(World):
    """Buffers travel raw, nothing is pickled.

    With User-Level Failure Mitigation (``mpirun --with-ft ulfm`` of Open MPI 5) a dead rank raises RankLost on the
    survivors; without it, MPI ends the job.
    """

    def __init__(self) -> None:
        self._comm: MPI.Intracomm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.rank, self._comm.size
        self.library = MPI.Get_library_version().split("\x00")[0].strip()
        self.binding = mpi4py.__version__
        self.survives_losses = os.environ.get("OMPI_MCA_mpi_ft_enable", "0").lower() in ("1", "true")
        self._window: MPI.Win | None = None
        self._ticket = np.zeros(1, dtype=np.int64)
        people, cores = self._introduce()
        here = [rank for rank, one in enumerate(people) if one.host == people[self.rank].host]
        self._longest_nap = 0.001 * max(1.0, len(here) / (os.cpu_count() or 1))
        # With a core of its own a rank loses nothing by polling, and what it sleeps later is a thousandth of its wait.
        self.has_own_core = has_own_core([cores[rank] for rank in here], here.index(self.rank), quota())
        self._spin, self._nap_share = (0.1, 0.001) if self.has_own_core else (200e-6, 0.1)
        self._siblings = Siblings([people[rank].pid for rank in here])
        self._roll = RollCall(_Post(), self.rank, people, self.survives_losses)

    def _introduce(self) -> tuple[list[Person], list[bytes]]:
        """Who the ranks are, and on which cores they may run."""
        own = np.zeros(HOST_BYTES + 8 + MOST_CORES // 8, dtype=np.uint8)
        name = socket.gethostname().encode()[:HOST_BYTES]
        own[: len(name)] = np.frombuffer(name, dtype=np.uint8)
        own[HOST_BYTES : HOST_BYTES + 8] = np.array([os.getpid()], dtype=np.int64).view(np.uint8)
        own[HOST_BYTES + 8 :] = np.frombuffer(affinity(), dtype=np.uint8)
        everyone = np.empty((self.size, own.size), dtype=np.uint8)
        self._comm.Allgather(own, everyone)
        hosts = [row[:HOST_BYTES].tobytes().rstrip(b"\0").decode(errors="replace") for row in everyone]
        pids = [int(row[HOST_BYTES : HOST_BYTES + 8].copy().view(np.int64)[0]) for row in everyone]
        people = [Person(*one) for one in zip(hosts, pids, strict=True)]
        return people, [row[HOST_BYTES + 8 :].tobytes() for row in everyone]

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

    def reduce(self, buffer: np.ndarray) -> None:
        sent, received = (MPI.IN_PLACE, buffer) if self.rank == 0 else (buffer, None)
        self._complete(lambda: self._comm.Ireduce(sent, received, op=MPI.SUM, root=0))

    def open_tickets(self) -> None:
        if self._window is not None:
            return
        self._complete(self._comm.Ibarrier)  # the next call waits without looking after anybody
        # A counter in rank 0's memory, for as long as the communicator lives.
        self._window = window = MPI.Win.Allocate(8 if self.rank == 0 else 0, 8, comm=self._comm)
        if self.rank == 0:
            counter = np.frombuffer(window.tomemory(), dtype=np.int64)  # type: ignore[call-overload]  # it is a buffer
            counter[0] = 0
        self._complete(self._comm.Ibarrier)  # nobody draws before it is zero
        window.Lock_all()

    def ticket(self) -> int:
        assert self._window is not None
        try:
            self._window.Fetch_and_op(_ONE, self._ticket, 0, 0, MPI.SUM)
            self._window.Flush(0)
        except MPI.Exception as error:
            if self._is_loss(error):
                raise RankLost from error
            raise
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
        try:
            self._complete(self._comm.Ibarrier)  # the next call waits without looking after anybody
        except RankLost:
            _exit(code)
        if self.lost:
            # MPI_Finalize synchronises with all processes there ever were and can hang when some are dead. Everybody
            # has agreed to leave, so there is nothing left to wait for.
            _exit(code)
        if self._window is not None:
            self._window.Unlock_all()
            self._window.Free()
        MPI.Finalize()

    def _complete(self, start: Callable[[], MPI.Request]) -> None:
        """Start an operation and wait for its end; RankLost if a rank is dead."""
        try:
            self._wait(start())
        except MPI.Exception as error:
            if self._is_loss(error):
                raise RankLost from error
            raise

    def _wait(self, request: MPI.Request) -> None:
        """Waiting ranks leave the cores to working ones: after a while they sleep for a share of their wait."""
        began, waited, polls = time.perf_counter(), 0.0, 0
        while not request.Test():
            waited, polls = time.perf_counter() - began, polls + 1
            if waited > self._spin:
                time.sleep(min(waited * self._nap_share, self._longest_nap))
            elif not self.has_own_core or (waited > HURRY and polls % 16 == 0):
                time.sleep(0.0)  # some 70 us, in which other processes get the core and other threads the interpreter
            if self.survives_losses and self._siblings.vanished(waited):
                self._give_up()
            if self._roll.poll(waited, self.frozen_after, self.doing):
                self._end_by_force(1)
        self._roll.end(waited)

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
            "esmaml: a process of this job has ended and MPI has not noticed, for example because a simulator called "
            "exit. The job is ended. --resume goes on from the last checkpoint.",
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
            self._come_together()
            self._shrink()
            try:
                agreed = self._agree(word)
            except MPI.Exception as error:  # one more died meanwhile; Agree fails on all or on none
                if not self._is_loss(error):
                    raise
                continue
            if ordered := _code_in(~agreed >> 1):
                _exit(ordered)
            return bool(agreed & 1)

    def _come_together(self) -> None:
        """Wait until all survivors have come here, as Shrink would without looking after them."""
        time.sleep(SETTLING)  # Open MPI 5.0 may crash in Shrink if it learns of a death there: let it learn before
        try:
            self._agree(0)
        except MPI.Exception as error:  # there are dead, which Agree says once all others have come
            if not self._is_loss(error):
                raise

    def _agree(self, word: int) -> int:
        """Agree, looking after the others meanwhile."""
        words = np.array([word], dtype=np.intc)
        self._wait(self._comm.Iagree(words))
        return int(words[0])

    def _shrink(self) -> None:
        old = self._comm
        with ShrinkWatch(self._siblings.others, self.frozen_after, SHRINKING, self._cannot_close_up):
            self._comm = old.Shrink()  # type: ignore[assignment]  # an Intracomm, as it is of one
        self.lost += old.size - self._comm.size
        self.rank, self.size = self._comm.rank, self._comm.size
        self._window = None  # of the old communicator; freeing it would need the dead
        self._siblings.forget_the_dead()
        everyone, left = MPI.COMM_WORLD.Get_group(), self._comm.Get_group()
        members = list(MPI.Group.Translate_ranks(left, None, everyone))
        self.leader = members[0]
        self._roll.without(members)

    def _cannot_close_up(self) -> None:
        print(
            f"esmaml: MPI has not left out the ranks that died within {SHRINKING:g} s: the job is ended. --resume goes "
            "on from the last checkpoint.",
            file=sys.stderr,
            flush=True,
        )
        self._end_by_force(1)
