"""Signals: finish the iteration, save, exit 75, and go on later as if nothing had happened."""

import signal
import subprocess
import sys
import time

import pytest
from helpers import assert_same_run, same

import esmaml_mpi
from esmaml_mpi.results.generations import generation
from esmaml_mpi.training import loop as training
from esmaml_mpi.training.interruption import SAVE_AND_STOP, Interruption

CONFIG = """
[run]
seed = 6
[task]
horizon = 12
options = { reward = "squared_distance" }
[policy]
hidden = []
[adaptation]
queries = 4
[meta]
iterations = 20000
perturbations = 4
current_evaluations = 2
optimizer = "adam"
[test]
every = 10
repeats = 1
[checkpoint]
every = 20
"""


@pytest.fixture
def config(tmp_path):
    """A run of half a minute: it is stopped long before."""
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def run(config, tmp_path):
    """That run in a process of its own, writing run.h5."""
    command = [sys.executable, "-m", "esmaml_mpi", "train", str(config), "--output", str(tmp_path / "run.h5")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process
    process.kill()
    process.communicate()


def iterations_in(path):
    return int(esmaml_mpi.read_results(path).checkpoint["iteration"]) if path.exists() else -1


def wait_for(path, iteration):
    deadline = time.monotonic() + 30
    while iterations_in(path) < iteration:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.005)


@pytest.mark.parametrize("number, code", [(signal.SIGUSR1, 75), (signal.SIGTERM, 75), (signal.SIGKILL, -9)])
def test_a_run_stopped_by_a_signal_goes_on_bit_for_bit(config, run, tmp_path, number, code):
    path = tmp_path / "run.h5"
    wait_for(path, 20)
    run.send_signal(number)
    output, _ = run.communicate(timeout=30)
    assert run.returncode == code, output
    assert ("continue with --resume" in output) == (code == 75)
    done = iterations_in(path)
    assert done >= 20
    enough = [f"meta.iterations={done + 25}"]
    assert_same_run(esmaml_mpi.train(config, enough, path, resume=True), esmaml_mpi.train(config, enough))
    assert set(tmp_path.iterdir()) - {generation(path, 1)} == {config, path}


def test_a_signal_while_the_first_iteration_runs_is_not_lost(run, tmp_path):
    path = tmp_path / "run.h5"
    wait_for(path, 0)  # the file is there before the first iteration
    run.send_signal(signal.SIGUSR1)
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 75, output
    assert iterations_in(path) >= 1


def stop_after(monkeypatch, iteration, number):
    """Send ourselves a signal once this many iterations are done."""
    update = training.Progress.update

    def update_and_signal(self, done, *arguments):
        update(self, done, *arguments)
        if done == iteration:
            signal.raise_signal(number)

    monkeypatch.setattr(training.Progress, "update", update_and_signal)


@pytest.mark.parametrize("number", SAVE_AND_STOP)
def test_the_library_finishes_its_iteration_and_returns_what_there_is(config, monkeypatch, capsys, number):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"this process was started to ignore {signal.Signals(number).name}, as by nohup")
    before = [signal.getsignal(n) for n in SAVE_AND_STOP]
    stop_after(monkeypatch, 7, number)
    results = esmaml_mpi.train(config)
    # raised when the iteration was already over, so the next one sees it
    assert results.checkpoint["iteration"] == len(results.history["train"]["iteration"]) == 8
    assert "esmaml: stopped by a signal after iteration 8 of" in capsys.readouterr().err
    whole = esmaml_mpi.train(config, ["meta.iterations=8"])
    assert same(results.history["train"]["values"], whole.history["train"]["values"])
    assert [signal.getsignal(n) for n in SAVE_AND_STOP] == before


def test_a_second_ctrl_c_interrupts_at_once(capfd):
    with Interruption("wait") as interruption:
        signal.raise_signal(signal.SIGUSR1)
        assert interruption.requested and not capfd.readouterr().err
    with Interruption("wait") as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested and capfd.readouterr().err == "\nwait\n"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_signal_in_the_last_iteration_does_not_make_the_run_unfinished(config, monkeypatch, tmp_path):
    stop_after(monkeypatch, 3, signal.SIGUSR1)
    results = esmaml_mpi.train(config, ["meta.iterations=4"], tmp_path / "run.h5")
    assert results.checkpoint["iteration"] == 4 and results.history["test"]["iteration"].tolist() == [0, 4]


def test_a_quiet_run_says_that_a_signal_has_ended_it(config, monkeypatch, tmp_path, capsys):
    stop_after(monkeypatch, 3, signal.SIGUSR1)
    esmaml_mpi.train(config, ["meta.iterations=9"], tmp_path / "run.h5", quiet=True)
    out = capsys.readouterr()
    assert (
        "stopped by a signal; " in out.err and "run.h5 holds everything so far" in out.err and "stopped" not in out.out
    )
    stop_after(monkeypatch, 99, signal.SIGUSR1)
    esmaml_mpi.train(config, ["meta.iterations=9"], tmp_path / "b.h5", quiet=True, callback=lambda moment: True)
    assert "stopped" not in capsys.readouterr().err
