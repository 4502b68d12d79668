"""Ranks that raise, die or are told to stop; launches that are wrong."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from files import differences, iterations
from mpirun import SMALL, can_survive, ranks_of, run, start, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

LONG = {**SMALL, "meta.iterations": 100000, "test.every": 5}


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_raising_rank_ends_the_job_with_its_traceback(tmp_path, victim):
    output = tmp_path / "raises.h5"
    arguments = train_arguments(LONG, output)[3:]
    began = time.monotonic()
    done = run(
        [sys.executable, str(Path(__file__).with_name("raises_on_rank.py")), str(victim), *arguments], 3, timeout=60
    )
    assert done.returncode not in (0, 75)
    assert time.monotonic() - began < 20
    assert f"error on rank {victim} of 3" in done.stderr
    assert "IndexError: the bug" in done.stderr
    assert iterations(output) == 1  # what was written before is whole


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
@pytest.mark.parametrize("ranks", [None, 3])
def test_signal_saves_and_resume_gives_the_same_bits(tmp_path, number, ranks):
    output = tmp_path / "stopped.h5"
    job = start(train_arguments(LONG, output), ranks)
    _wait_for(output, 3)
    if ranks is None or number == signal.SIGUSR1:
        job.send_signal(number)  # mpirun passes USR1 on
    else:  # mpirun answers TERM by killing its ranks, so a rank gets it as a batch system would send it, directly
        os.kill(ranks_of(job.pid)[-1], number)
    printed, _ = job.communicate(timeout=60)
    assert job.returncode == 75, printed
    assert "--resume" in printed
    total = iterations(output) + 4
    finished = run(train_arguments({**LONG, "meta.iterations": total}, output, "--resume"), 2)
    assert finished.returncode == 0, finished.stderr
    straight = tmp_path / "straight.h5"
    assert run(train_arguments({**LONG, "meta.iterations": total}, straight)).returncode == 0
    assert differences(straight, output) == []


def test_killed_at_random_instants_and_resumed(tmp_path):
    """SIGKILL the job again and again, in the middle of writing too; the file stays whole and the numbers the same."""
    output = tmp_path / "killed.h5"
    settings = {**LONG, "meta.perturbations": 4, "meta.current_evaluations": 2, "adaptation.queries": 2}
    for wait in (0.0, 0.13, 0.29, 0.41):
        before = iterations(output)
        job = start(train_arguments(settings, output, "--resume"))
        _wait_for(output, before + 2)
        time.sleep(wait)
        job.kill()
        job.communicate()
        assert iterations(output) >= before + 2
    total = iterations(output) + 3
    assert run(train_arguments({**settings, "meta.iterations": total}, output, "--resume"), 3).returncode == 0
    straight = tmp_path / "straight.h5"
    assert run(train_arguments({**settings, "meta.iterations": total}, straight)).returncode == 0
    assert differences(straight, output) == []


def test_a_killed_rank_ends_the_job_and_keeps_the_file(tmp_path):
    output = tmp_path / "killed.h5"
    job = start(train_arguments(LONG, output), 3)
    _wait_for(output, 2)
    os.kill(ranks_of(job.pid)[1], signal.SIGKILL)
    began = time.monotonic()
    job.communicate(timeout=60)
    assert job.returncode != 0
    assert time.monotonic() - began < 20
    assert iterations(output) >= 2


def test_configuration_errors_end_every_rank_with_2(tmp_path):
    done = run(train_arguments({**SMALL, "meta.sigma": -1}, tmp_path / "wrong.h5"), 3)
    assert done.returncode == 2
    assert done.stderr.count("meta.sigma = -1") == 1
    assert "Traceback" not in done.stderr


def test_an_unwritable_output_ends_every_rank_with_1(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    arguments = train_arguments(SMALL, tmp_path / "x.h5")
    arguments[arguments.index("--output") + 1] = str(tmp_path / "file" / "x.h5")
    done = run(arguments, 3)
    assert done.returncode == 1
    assert "cannot write results file" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_jobs_cannot_have_one_output(tmp_path):
    output = tmp_path / "shared.h5"
    first = start(train_arguments(LONG, output), 2)
    _wait_for(output, 1)
    second = run(train_arguments(LONG, output, "--resume"), 2)
    assert second.returncode == 2
    assert "is being written by process" in second.stderr
    first.send_signal(signal.SIGUSR1)
    first.communicate(timeout=60)
    total = {**LONG, "meta.iterations": iterations(output) + 1}
    assert run(train_arguments(total, output, "--resume"), 2).returncode == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["shared.h5", "shared.h5.previous", "shared.toml"]


@pytest.mark.parametrize(("ranks", "name", "count"), [(None, "SLURM_NTASKS", 4), (2, "ESMAML_RANKS", 4)])
def test_world_size_is_checked_against_slurm(tmp_path, ranks, name, count):
    arguments = train_arguments({**SMALL, "meta.iterations": 1}, tmp_path / "slurm.h5")
    done = run(arguments, ranks, **{name: str(count)})
    assert done.returncode == 1
    assert f"{name}={count}" in done.stderr and f"MPI sees {ranks or 1} process" in done.stderr
    assert not (tmp_path / "slurm.h5").exists()
    assert run(arguments, ranks, **{name: str(ranks or 1)}).returncode == 0
    ignored = {name: str(count), "ESMAML_IGNORE_SLURM_NTASKS": "1"}
    assert run([*arguments, "--overwrite"], ranks, **ignored).returncode == 0


def test_mpirun_daemons_counted_by_slurm_are_no_error(tmp_path):
    """On the nodes of an mpirun job SLURM_NTASKS counts mpirun's daemons, one a node."""
    done = run(train_arguments({**SMALL, "meta.iterations": 1}, tmp_path / "slurm.h5"), 2, SLURM_NTASKS="1")
    assert done.returncode == 0, done.stderr


def _wait_for(output: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while iterations(output) < count:
        assert time.monotonic() < deadline, f"no {count} iterations within a minute"
        time.sleep(0.02)


FIRST_ORDER = ("meta.algorithm=first_order", "meta.current_evaluations=1", "meta.observation_statistics=local")


@pytest.mark.parametrize("settings", [(), FIRST_ORDER])
def test_chaos(settings):
    """Ranks die at random instants, rank 0 among them, and whole jobs do; see chaos.py for the long form."""
    if not can_survive():
        pytest.skip("this mpirun has no --with-ft ulfm")
    command = [sys.executable, str(Path(__file__).with_name("chaos.py")), "--kills", "5", "--jobs", "3"]
    done = run([*command, *(part for each in settings for part in ("--set", each))], timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 ranks killed" in done.stdout and "3 whole jobs killed" in done.stdout
