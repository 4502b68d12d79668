"""Session files: what was told comes back, whatever ended the program, and nothing else is taken for a session."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.seal import SIZE, sealed
from esmaml_mpi.results.session_file import SessionFile, SessionRecord
from esmaml_mpi.tasks.interface import Interface

CLIMB = HillClimbing(queries=4, sigma=0.5, scheme="batch", evaluations=3)
THETA = np.random.default_rng(3).normal(size=6)


def record(rewards=()):
    config = load({"policy": {"hidden": []}, "adaptation": {"sigma": 0.1 + 0.2}})
    return SessionRecord(
        config,
        THETA,
        np.array([0.1, 1 / 3]),
        np.array([1.0, 0.7]),
        2**63 - 1,
        "a.h5",
        12,
        Interface(2, 2, ("x (m)", "y (m)"), (), (-1.0, -np.inf), (1.0, np.inf), rate=50.0),
        3,
        [*rewards],
        {1: "new battery", 3: "gerutscht \u2013 fell"},
    )


@pytest.fixture
def file(tmp_path):
    with SessionFile(tmp_path / "deep" / "run.session") as file:
        yield file


def test_everything_comes_back(file):
    written = record([1.5, -np.inf, -0.1])
    file.write(written)
    found = file.read()
    for name in ("theta", "mean", "std"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    assert found.config == Config.from_toml(written.config.to_toml())
    for name in ("seed", "source", "iteration", "interface", "task", "rewards", "notes"):
        assert getattr(found, name) == getattr(written, name)
    with h5py.File(file.path) as inside:  # as any program sees it
        assert inside["rewards"][()].tolist() == [1.5, -np.inf, -0.1]
        assert "adaptation" in inside["config"].attrs["toml"]


def test_a_session_goes_on_from_its_file_after_any_trial(file):
    whole, told = Adaptation(CLIMB, THETA, 4), record()
    file.write(told)
    while not whole.done:
        found = file.read()
        again = Adaptation(CLIMB, found.theta, 4, found.rewards)
        assert np.array_equal(again.ask(), whole.ask())
        whole.tell(float(np.sin(9 * whole.ask()).sum()))
        told.rewards = whole.rewards
        file.write(told)
    assert np.array_equal(Adaptation(CLIMB, THETA, 4, file.read().rewards).best, whole.best)


def test_a_killed_writer_leaves_a_whole_session(tmp_path):
    script = textwrap.dedent("""
        import sys
        from test_session_file import SessionFile, record
        with SessionFile(sys.argv[1]) as file:
            told = record()
            for i in range(100000):
                told.rewards.append(float(i))
                file.write(told)
                print(i, flush=True)
    """)
    path = tmp_path / "run.session"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        for _ in range(20):
            last = int(writer.stdout.readline())
        with pytest.raises(UsageError, match="in use by another process"), SessionFile(path):
            pass
        writer.send_signal(signal.SIGKILL)
        last = max([last, *map(int, writer.stdout.read().split())])
    with SessionFile(path) as file:  # its lock is gone with it
        rewards = file.read().rewards
        assert rewards == [float(i) for i in range(len(rewards))]
        assert len(rewards) in (last + 1, last + 2)  # it may have been killed between writing and saying so
        file.write(record())
    assert os.listdir(tmp_path) == [path.name]


def test_sessions_are_written_in_threads_at_the_same_time(tmp_path):
    def write(number):
        with SessionFile(tmp_path / f"{number}.session") as file:
            for _ in range(20):
                file.write(record([float(number)]))
            return file.read().rewards

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(4))) == [[0.0], [1.0], [2.0], [3.0]]


def test_a_failed_write_keeps_the_session(file, monkeypatch):
    file.write(record([1.0]))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultsError, match="No space left"):
        file.write(record([1.0, 2.0]))
    assert file.read().rewards == [1.0]


def test_every_damage_is_noticed(file):
    file.write(record([1.0, 2.0]))
    image = file.path.read_bytes()
    for length in (0, 10, SIZE, len(image) // 2, len(image) - 1):
        file.path.write_bytes(image[:length])
        with pytest.raises(ResultsError, match=r"cannot read (session )?.*run\.session: it is"):
            file.read()
    for at in range(0, len(image), 97):
        file.path.write_bytes(image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :])
        with pytest.raises(ResultsError):
            file.read()
    file.path.write_bytes(image)
    assert file.read().rewards == [1.0, 2.0]


@pytest.mark.parametrize("name, values", [
    ("rewards", [1.0, np.nan]), ("rewards", [np.inf]), ("rewards", [[1.0]]), ("rewards", [1]), ("theta", [np.nan]),
    ("mean", [1.0]), ("std", [0.0, 1.0]), ("theta", None),
])  # fmt: skip
def test_a_session_of_another_program_is_refused(file, name, values):
    file.write(record([1.0]))
    with h5py.File(file.path, "a") as inside:
        del inside[name]
        if values is not None:
            inside[name] = np.array(values)
    file.path.write_bytes(sealed(file.path.read_bytes()))
    with pytest.raises(ResultsError, match="not as a session should be"):
        file.read()


def test_a_newer_session_is_refused(file, monkeypatch):
    monkeypatch.setattr("esmaml_mpi.results.session_file.SESSION_VERSION", 3)
    file.write(record())
    monkeypatch.undo()
    with pytest.raises(ResultsError, match="format version 3"):
        file.read()


def test_results_and_sessions_are_not_mixed_up(tmp_path, file):
    tiny = {"meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1}, "task": {"horizon": 5}}
    run = esmaml_mpi.train(tiny, output=tmp_path / "run.h5")
    with SessionFile(run.path) as wrong, pytest.raises(ResultsError, match="is it a results file"):
        wrong.read()
    file.write(record())
    with pytest.raises(ResultsError, match="is a session of `esmaml adapt --session`"):
        read(file.path)


def test_what_is_not_there_cannot_be_read(tmp_path, file):
    with pytest.raises(ResultsError, match="does not exist"):
        file.read()
    (tmp_path / "folder").mkdir()
    with SessionFile(tmp_path / "folder") as wrong, pytest.raises(ResultsError, match="is not a file"):
        wrong.read()
