"""``--command``: rewards from a program, with its failures in words."""

import os
import pty
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from helpers import FOUR_TRIALS

import esmaml_mpi
from esmaml_mpi.commands.main import main


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.h5"
    esmaml_mpi.train(FOUR_TRIALS, output=path)
    return path


@pytest.fixture
def adapt(results, tmp_path, capsys):
    """Runs the command with a script for trials; gives exit code, output and errors. Nobody is at a terminal."""

    def run(script, *options):
        path = tmp_path / "trial.sh"
        path.write_text("#!/bin/sh\n" + textwrap.dedent(script))
        path.chmod(0o755)
        session = tmp_path / "a.h5"
        begin = [] if session.exists() else [str(results)]
        code = main(["adapt", *begin, "--session", str(session), "--command", f"{path} {{policy}}", *options])
        return code, *capsys.readouterr()

    return run


def history(tmp_path):
    with esmaml_mpi.Session.open(tmp_path / "a.h5") as session:
        return [(trial.reward, trial.note) for trial in session.history]


def test_the_last_line_is_the_reward(adapt, tmp_path):
    code, out, err = adapt('test -s "$1" || exit 9; echo 7 metres; echo "-1,5  # slipped"; echo')
    assert code == 0 and not err and "done after 4 trials" in out
    assert history(tmp_path) == [(-1.5, "slipped")] * 4


def test_a_trial_may_be_skipped_by_its_command(adapt, tmp_path):
    assert adapt("echo skip # fell", "--trials", "1")[0] == 75
    assert history(tmp_path) == [(float("-inf"), "")]


@pytest.mark.parametrize("script, said", [
    ("echo half way; exit 3", "ended with exit code 3, its last line was 'half way'"),
    ("kill -9 $$", "was ended by signal 9, it printed nothing"),
    ("exit 0", "printed nothing; the reward is wanted on its last line"),
    ("echo fine", "is no reward: 'fine': a number is wanted"),
    ("echo undo", "is no reward: 'undo'"),
    ("echo inf", "its answer was refused"),
])  # fmt: skip
def test_a_trial_that_fails_is_tried_three_times_and_told_nothing(adapt, tmp_path, script, said):
    count = tmp_path / "count"
    code, _, err = adapt(f"echo x >> {count}\n{script}")
    assert code == 1 and said in err and "it was tried 3 times" in err and count.read_text() == "x\n" * 3
    assert history(tmp_path) == []
    assert adapt("echo 1")[0] == 0  # and on it goes when the command works


def test_failures_in_between_do_not_add_up(adapt, tmp_path):
    count = tmp_path / "count"
    script = f"echo x >> {count}\n[ $(( $(wc -l < {count}) % 3 )) = 0 ] || exit 1\necho 2"
    code, _, err = adapt(script)
    assert code == 0 and err.count("exit code 1") == 8 and len(history(tmp_path)) == 4


def test_a_trial_that_is_too_late_is_ended_with_all_that_it_started(adapt, tmp_path):
    script = f"sleep 300 & echo $! > {tmp_path / 'child'}; wait"
    code, _, err = adapt(script, "--limit", "0.3")
    assert code == 1 and "has not ended after 0.3 s (--limit)" in err
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not alive(child):
            return
        time.sleep(0.05)
    raise AssertionError("its child lives on")


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("options, said", [
    (["--command", "./trial.sh"], "{policy} is wanted in it"), (["--command", "'x {policy}"], "no closing quotation"),
    (["--limit", "3"], "it is for --command"), (["--command", "x {policy}", "--limit", "0"], "seconds above 0"),
    (["--command", "x {policy}", "--task", "0"], "one of them is wanted"),
])  # fmt: skip
def test_refusals_leave_nothing_behind(results, tmp_path, capsys, options, said):
    assert main(["adapt", str(results), "--session", str(tmp_path / "a.h5"), *options]) == 2
    assert said in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_be_run(results, tmp_path, capsys):
    options = ["--session", str(tmp_path / "a.h5"), "--command", "/nowhere/trial {policy}"]
    assert main(["adapt", str(results), *options]) == 1
    assert "/nowhere/trial cannot be run: No such file" in capsys.readouterr().err


def test_a_signal_ends_the_trial_and_leaves_the_session(results, tmp_path):
    session, started = tmp_path / "a.h5", tmp_path / "started"
    trial = f"sh -c 'echo $$ > {started}; sleep 300' {{policy}}"
    command = [sys.executable, "-m", "esmaml_mpi", "adapt", results, "--session", session, "--command", trial]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while not started.exists() or not started.read_text():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 75 and "left after 0 of 4 trials" in out
    assert not alive(int(started.read_text()))


def test_at_a_terminal_somebody_is_asked(results, tmp_path):
    command = [sys.executable, "-m", "esmaml_mpi", "adapt", results, "--session", tmp_path / "a.h5"]
    controller, terminal = pty.openpty()
    os.write(controller, b"again\nwhat\n3,5 # by hand\nskip\nquit\n")
    pipe = subprocess.PIPE
    failing = ["--command", "sh -c 'exit 4' {policy}"]
    with subprocess.Popen([*command, *failing], stdin=terminal, stdout=pipe, stderr=pipe, text=True) as process:
        out, err = process.communicate(timeout=60)
    os.close(controller), os.close(terminal)
    assert process.returncode == 75 and "left after 2 of 4 trials" in out and err.count("exit code 4") == 4
    assert history(tmp_path) == [(3.5, "by hand"), (float("-inf"), "")]
