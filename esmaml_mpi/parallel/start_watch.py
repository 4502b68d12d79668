"""A look after the other ranks while this one waits in MPI_Init for them.

A rank that dies before MPI is up keeps the others waiting for ever where the launcher was told to go on without dead
ranks (``mpirun --with-ft ulfm``), and MPI_Init lets nothing else run in its process. So a second process looks, on each
node, until MPI is up; it is forked before MPI is loaded.
"""

import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from esmaml_mpi.parallel.launcher import can_count, end_job, launcher, ranks_alive, ranks_here, ranks_stopped

PAUSE = 1.0  # seconds between looks
FIRST_LOOK = 5.0  # seconds: the launcher starts its ranks one after the other
SURE = 5  # looks, one after the other, that find a rank missing
STOPPED = 30.0  # seconds until ranks that are stopped are named
REMARK = 45.0  # seconds until it is said that the start takes long
WATCHING_RANKS = ("0", "1")  # of a node: the first may be the one that dies


@contextmanager
def start_watch() -> Iterator[None]:
    """While the block, which makes MPI ready, has not ended: if a rank of this node dies, the job is ended."""
    above, expected = launcher(), ranks_here()
    watching = os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK") in WATCHING_RANKS
    if above is None or expected is None or not watching or not can_count(above):
        yield
        return
    theirs, ours = os.pipe()
    watcher = os.fork()
    if watcher == 0:
        os.close(ours)
        _watch(theirs, above, expected)
    os.close(theirs)
    try:
        yield
    finally:
        os.close(ours)  # which ends the other process, as the death of this one would
        with suppress(ChildProcessError):  # where this process was started with SIGCHLD ignored
            os.waitpid(watcher, 0)


def _watch(pipe: int, above: int, expected: int) -> None:
    """The other process; it never returns."""
    began, missing = time.monotonic(), 0
    first_here = os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK") == "0"
    first_of_all = os.environ.get("OMPI_COMM_WORLD_RANK") == "0"
    to_name, to_remark = first_here, first_of_all  # what still is to be said, by one process
    try:
        while not select.select([pipe], [], [], PAUSE)[0]:
            waited = time.monotonic() - began
            if waited < FIRST_LOOK:
                continue
            present = ranks_alive(above)
            missing = missing + 1 if present < expected else 0
            if missing == SURE:
                _say(
                    f"{expected - present} of this node's {expected} ranks have ended before MPI was ready, and the "
                    "others would wait for ever: the job is ended. The messages above may say why: a program that is "
                    "missing, memory that ran out, a kill."
                )
                end_job(above)
            if waited > STOPPED and to_name and (stopped := ranks_stopped(above)):
                to_name = to_remark = False
                names = ", ".join(f"rank {rank} (process {pid})" for rank, pid in stopped)
                _say(
                    f"MPI is not ready after {waited:.0f} s: it waits for {names} on {socket.gethostname()}, stopped "
                    "as by SIGSTOP or a debugger"
                )
            elif waited > REMARK and to_remark:
                to_remark = False
                _say(f"MPI is not ready after {waited:.0f} s: it waits for ranks that have not started yet")
    finally:
        os._exit(0)


def _say(text: str) -> None:
    print(f"esmaml: {text}", file=sys.stderr, flush=True)
