"""The lock of a results file: who has it, and what is left by a kill."""

import errno
import fcntl
import os
import socket
import threading

import pytest

from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.lock import OutputLock, writer_of


@pytest.fixture
def results(tmp_path):
    return tmp_path / "run.h5"


def test_the_holder_is_named_and_the_second_refused(results):
    assert writer_of(results) is None
    lock = OutputLock(results)
    lock.acquire()
    name = f"process {os.getpid()} on {socket.gethostname()}"
    assert writer_of(results) == name
    with pytest.raises(UsageError, match=f"is being written by {name}"):
        OutputLock(results).acquire()
    lock.release()
    assert writer_of(results) is None and not lock.path.exists()


def test_a_full_disk_keeps_nobody_from_the_lock_nor_in_it(results, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    lock = OutputLock(results)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        lock.acquire()
    with pytest.raises(UsageError, match="is being written by"):
        OutputLock(results).acquire()
    lock.release()
    assert writer_of(results) is None


@pytest.mark.parametrize(
    "holder",
    ["process 4242 on another-machine", f"process {os.getpid()} on {socket.gethostname()}"],
    ids=["another machine", "this process"],  # the same in every process of pytest-xdist
)
def test_what_a_kill_has_left_names_nobody(holder, results):
    """Not even where the process's number is another's by now, or where it was on another machine."""
    lock = OutputLock(results)
    lock.path.write_text(holder)
    assert writer_of(results) is None
    lock.acquire()
    lock.release()


def test_a_look_keeps_nobody_from_the_lock(results):
    lock = OutputLock(results)
    lock.path.touch()
    look = os.open(lock.path, os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    assert writer_of(results) is None  # nor the next look from an answer
    end = threading.Timer(0.05, os.close, [look])
    end.start()
    lock.acquire()
    end.join()
    assert writer_of(results)
    lock.release()
