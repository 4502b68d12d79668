"""Writing beside training: what hangs does not stop it, what fails ends it in words, and the newest state wins."""

import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results import beside
from esmaml_mpi.results.beside import Beside
from esmaml_mpi.results.history import History
from esmaml_mpi.results.reader import read

CONFIG = """
[task]
horizon = 5
[policy]
hidden = []
[adaptation]
queries = 2
[meta]
iterations = 40
perturbations = 4
current_evaluations = 2
[test]
repeats = 1
[checkpoint]
every = 1
patience = 3
"""
SLOW = """
import os, time
import esmaml_mpi.results.atomic as atomic
count, sync = [0], os.fsync
def slow(descriptor):
    count[0] += 1
    if count[0] > 2: {what}
    return sync(descriptor)
atomic.os = type(os)("os"); atomic.os.__dict__.update(os.__dict__); atomic.os.fsync = slow
import esmaml_mpi.results.beside as beside
beside.LATE = 0.5
from esmaml_mpi.commands.main import main
import sys
sys.exit(main(sys.argv[1:]))
"""


class Slow:
    """A writer that waits until it is let go."""

    def __init__(self):
        self.go, self.written = threading.Event(), []

    def write(self, history, checkpoint):
        assert self.go.wait(30)
        self.written.append((history["recovery"]["iteration"].tolist(), checkpoint["iteration"]))

    def drop_from(self, iteration):
        pass


def rows(*iterations):
    history = History()
    for i in iterations:
        history.append("recovery", iteration=i, ranks_lost=1, ranks_left=1, aggregator_lost=0, seconds=0.0)
    return history


def test_one_write_at_a_time_and_the_newest_state_wins_with_all_rows():
    slow = Slow()
    store = Beside(slow, "x.h5", 30.0)
    for i in range(5):
        start = time.monotonic()
        store.write(rows(i), {"iteration": i})
        assert time.monotonic() - start < 1
        time.sleep(0.01)
    slow.go.set()
    store.finish()
    assert slow.written == [([0], 0), ([1, 2, 3, 4], 4)]


def test_a_late_write_is_said_and_the_end_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(beside, "LATE", 0.1)
    slow = Slow()
    slow.go.set()
    store = Beside(slow, "x.h5", 0.3)
    store.write(rows(), {"iteration": 7})
    store.finish()
    slow.go.clear()
    store.write(rows(), {"iteration": 8})
    assert store.late() == ""
    time.sleep(0.15)
    assert (
        "x.h5 has not been written for 0 s" in (said := store.late()) and "last good checkpoint is iteration 7" in said
    )
    assert store.late() == ""  # said once, until twice the time has passed
    with pytest.raises(ResultsError, match=r"iteration 7\. The run ends without it \(checkpoint\.patience = 0\.3\)"):
        store.finish()
    assert store.hangs
    slow.go.set()


def test_what_a_write_raises_is_raised_where_training_is():
    class Full(Slow):
        def write(self, history, checkpoint):
            raise ResultsError("no space")

    store = Beside(Full(), "x.h5", 5.0)
    store.write(rows(), {"iteration": 0})
    with pytest.raises(ResultsError, match="no space"):
        store.finish()
    with pytest.raises(ResultsError, match="no space"):
        store.write(rows(), {"iteration": 1})


def trained(tmp_path, what):
    (tmp_path / "c.toml").write_text(CONFIG)
    program = tmp_path / "program.py"
    program.write_text(SLOW.format(what=what))
    command = [sys.executable, str(program), "train", str(tmp_path / "c.toml"), "--output", str(tmp_path / "x.h5")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_file_server_that_hangs(tmp_path):
    """A run of its own whose third flush never returns: it trains on, says so, and ends non-zero within the limit."""
    start = time.monotonic()
    done = trained(tmp_path, "time.sleep(10**6)")
    assert done.returncode == 1 and time.monotonic() - start < 50
    assert "iteration 40/40" in done.stdout
    assert "x.h5 has not been written for" in done.stderr and "--resume goes on from there" in done.stderr
    done_at = int(read(tmp_path / "x.h5").checkpoint["iteration"])
    assert f"the last good checkpoint is iteration {done_at}" in done.stderr
    resumed = esmaml_mpi.train(tmp_path / "c.toml", output=tmp_path / "x.h5", resume=True)
    straight = esmaml_mpi.train(tmp_path / "c.toml")
    assert np.array_equal(resumed.checkpoint["theta"], straight.checkpoint["theta"])


def test_a_file_server_that_is_slow(tmp_path):
    done = trained(tmp_path, "time.sleep(0.7)")
    assert done.returncode == 0, done.stderr
    found = read(tmp_path / "x.h5")
    assert found.checkpoint["iteration"] == 40 and len(found.history["train"]["values"]) == 40


def test_a_disk_that_fills_up(tmp_path):
    done = trained(tmp_path, "raise OSError(28, os.strerror(28))")
    assert done.returncode == 1 and "No space left on device (the previous file is intact)" in done.stderr
    assert done.stderr.count("\n") == 1
    read(tmp_path / "x.h5")


@pytest.mark.parametrize("what", ["moved", "lock replaced", "tidied"])
def test_a_run_that_has_lost_its_lock_stops(what, tmp_path):
    """`mv od od2` under a run, another run in a new od; the lock file replaced; or only tidied away."""
    folder, other = tmp_path / "od", tmp_path / "od2"
    (tmp_path / "c.toml").write_text(CONFIG.replace("iterations = 40", "iterations = 100000"))
    command = [sys.executable, "-m", "esmaml_mpi", "train", str(tmp_path / "c.toml"), "--output", str(folder / "x.h5")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "x.h5.previous").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        lock = folder / ".x.h5.lock"
        if what == "moved":
            folder.rename(other)
            second = esmaml_mpi.train(tmp_path / "c.toml", ["run.seed=1", "meta.iterations=3"], output=folder / "x.h5")
            assert second.config.run.seed == 1
        elif what == "lock replaced":
            shutil.copy(lock, tmp_path / "copy")
            os.replace(tmp_path / "copy", lock)
        else:
            lock.unlink()
            time.sleep(2)
            assert lock.exists() and first.poll() is None
            first.terminate()
            assert first.wait(60) == 75
            return
        _, error = first.communicate(timeout=60)
        assert first.returncode == 1 and "is no longer this run's to write" in error and error.count("\n") == 1
        if what == "moved":
            assert read(folder / "x.h5").config.run.seed == 1 and read(folder / "x.h5").checkpoint["iteration"] == 3
            assert read(other / "x.h5").config.run.seed == 0
    finally:
        first.kill()


def test_a_requeued_job_whose_file_is_on_another_node(tmp_path, monkeypatch):
    """Two file systems are needed, as where jobs write to a disk of their node."""
    shared, local = tmp_path / "shared", tmp_path / "local"
    for each in (shared, local):
        each.mkdir()
    monkeypatch.chdir(shared)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    real = os.stat

    def stat(path, *args, **more):
        about = real(path, *args, **more)
        if os.fspath(path) == str(local):
            return os.stat_result((*about[:2], about.st_dev + 1, *about[3:10]))
        return about

    monkeypatch.setattr("esmaml_mpi.results.attempt_marker.os.stat", stat)
    monkeypatch.setattr("esmaml_mpi.training.loop.Training._final_test", lambda self: 1 / 0)
    settings = {"policy": {"hidden": []}, "task": {"horizon": 5}, "meta": {"iterations": 1}}
    with pytest.raises(ZeroDivisionError):
        esmaml_mpi.train(settings, output=local / "x.h5", resume=True)
    monkeypatch.undo()
    monkeypatch.chdir(shared)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    for path in local.iterdir():
        path.unlink()
    with pytest.raises(UsageError, match="an earlier attempt of this job has written it"):
        esmaml_mpi.train(settings, output=local / "x.h5", resume=True)
    assert list(local.iterdir()) == []
    esmaml_mpi.train(settings, output=local / "x.h5", overwrite=True)
    assert list(shared.iterdir()) == []
    monkeypatch.setenv("SLURM_JOB_ID", "18")  # another job begins
    (local / "x.h5").unlink()
    (local / "x.h5.previous").unlink()
    esmaml_mpi.train(settings, output=local / "x.h5", resume=True)
