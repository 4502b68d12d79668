"""Jobs that cannot go on end: soon, on every rank, with a word and a code that is not 0; the file keeps what it had."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from endings import tried
from files import differences, iterations
from mpirun import FAULT_TOLERANCE, SMALL, can_survive, launcher, ranks_of, run, start, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

ENVIRONMENT = {
    "task.name": "gymnasium",
    "task.horizon": 5,
    "task.options.environment": "ending_environment:Ends",
    "policy.hidden": [],
    "meta.perturbations": 16,
    "meta.current_evaluations": 4,
    "meta.iterations": 500,
    "checkpoint.every": 1,
}
LONG = {**SMALL, "meta.iterations": 100000, "test.every": 0}
NOISE = "NBC_Progress"  # what Open MPI says of operations that a dead rank has broken off

if not can_survive():
    pytest.skip("this mpirun has no --with-ft ulfm", allow_module_level=True)


def tolerant(ranks: int | None, ulfm: bool = True) -> list[str]:
    """What starts so many ranks; no launcher for None."""
    return [] if ranks is None else [*launcher(), *(FAULT_TOLERANCE if ulfm else ()), "-n", str(ranks)]


def ends(folder: Path, ending: str, ranks: int | None, ulfm: bool = True, victim: str = "1", *options: str):
    """A run in the environment; gives its end and its output, Open MPI's noise left out."""
    output = folder / "run.h5"
    command = train_arguments(ENVIRONMENT, output, *options)
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = run([*tolerant(ranks, ulfm), *command], timeout=60, ENDING=ending, VICTIM=victim, PYTHONPATH=path)
    return done, "\n".join(line for line in (done.stdout + done.stderr).splitlines() if NOISE not in line)


@pytest.mark.parametrize(
    ("ranks", "ulfm"), [(None, True), (1, True), (2, True), (3, True), (4, True), (5, True), (8, True), (4, False)]
)
def test_rewards_that_are_no_numbers_end_the_job_with_the_reason(tmp_path, ranks, ulfm):
    done, said = ends(tmp_path, "nan", ranks, ulfm)
    assert done.returncode == 1
    assert "\nesmaml: iteration 0: 20 of 20 evaluations failed" in said
    assert "Traceback" not in said and NOISE not in done.stderr  # the others were told, and need not be broken off


@pytest.mark.parametrize("ranks", [None, 2, 4])
def test_an_environment_that_calls_sys_exit_fails_its_evaluations(tmp_path, ranks):
    done, said = ends(tmp_path, "sys.exit", ranks, victim="all")
    assert done.returncode == 1 and said.count("Traceback") == 1
    assert "20 of 20 evaluations failed, and it was already redrawn 10 times" in said
    assert "The reason: gymnasium raised SystemExit: 5 (ending_environment.py, line " in said


@pytest.mark.parametrize(
    ("case", "ranks", "ulfm"),
    [
        *(("stop", ranks, True) for ranks in (2, 5)),
        *(("stop rank 0", ranks, ulfm) for ranks, ulfm in ((2, False), (3, True), (8, True))),
        *(("hold", ranks, ulfm) for ranks, ulfm in ((1, True), (3, False), (4, True))),
        *(("kill", 5, True), ("kill all", 4, False)),
    ],
)
def test_a_job_whose_ranks_freeze_die_or_hold_the_interpreter_goes_on_or_ends(case, ranks, ulfm):
    """endings.py has all cases at all numbers of ranks."""
    assert tried(case, ranks, ulfm)


@pytest.mark.parametrize(("ranks", "victim"), [(2, "1"), (3, "1"), (4, "2"), (8, "all")])
def test_an_environment_that_leaves_without_a_word_ends_the_job(tmp_path, ranks, victim):
    began = time.monotonic()
    done, _ = ends(tmp_path, "os._exit", ranks, victim=victim)
    assert done.returncode not in (0, 75) and time.monotonic() - began < 60
    assert iterations(tmp_path / "run.h5") >= 0  # it can be opened


@pytest.mark.parametrize(("ranks", "limit"), [(4, 0.2), (8, 0.2), (8, 0.05)])
def test_an_evaluation_that_cannot_be_interrupted_ends_the_job(tmp_path, ranks, limit):
    """Also where the limit is shorter than the time that ranks take to tell one another."""
    script = str(Path(__file__).with_name("hanging_task.py"))
    settings = {
        **SMALL,
        "task.name": "hanging",
        "policy.hidden": [],
        "policy.output_gain": 0.1,
        "run.unit_timeout": limit,
        "meta.perturbations": 8,
        "meta.current_evaluations": 1,
    }
    command = [sys.executable, script, "block", *train_arguments(settings, tmp_path / "block.h5")[3:]]
    done = run([*tolerant(ranks), *command], timeout=100)
    assert done.returncode not in (0, 75) and "hang_in_compiled_code" in done.stderr


@pytest.mark.parametrize("ranks", [1, 4, 8])
def test_an_output_that_can_no_longer_be_written_ends_the_job(tmp_path, ranks):
    folder = tmp_path / "results"
    folder.mkdir()
    job = start(train_arguments(LONG, folder / "run.h5"), ranks, *FAULT_TOLERANCE)
    _wait_for(folder / "run.h5", 2)
    folder.rename(tmp_path / "moved")
    folder.write_text("a file where the folder was")
    said, _ = job.communicate(timeout=60)
    assert job.returncode == 1 and f"{folder} was moved or replaced. The run stops" in said
    assert iterations(tmp_path / "moved" / "run.h5") >= 2


@pytest.mark.parametrize("missing", ["exit 127", "kill -9 $$"])
def test_a_rank_that_ends_before_mpi_is_ready_ends_the_job(tmp_path, missing):
    command = train_arguments(LONG, tmp_path / "run.h5")
    script = f'if [ "$OMPI_COMM_WORLD_RANK" = 2 ]; then {missing}; fi; exec "$@"'
    done = run([*tolerant(4), "bash", "-c", script, "bash", *command], timeout=60)
    assert done.returncode not in (0, 75)
    assert "1 of this node's 4 ranks have ended before MPI was ready" in done.stderr


def test_ranks_that_cannot_be_counted_are_not_taken_for_dead(tmp_path):
    """Containers start ranks with an environment that the launcher's own children do not have."""
    program = tmp_path / "waits.py"
    program.write_text(
        "import time\n"
        "from esmaml_mpi.parallel import start_watch\n"
        "start_watch.PAUSE, start_watch.FIRST_LOOK = 0.05, 0.0\n"
        "with start_watch.start_watch():\n"
        "    time.sleep(2)\n"
    )
    for inside in ("", "PMIX_NAMESPACE=other"):
        script = f'{inside} "$@"; exit $?'  # the last words keep this shell between the launcher and the rank
        done = run([*tolerant(2), "bash", "-c", script, "bash", sys.executable, str(program)], timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_ranks_that_die_before_the_first_iteration_are_done_without(tmp_path):
    """The others begin again: between the start of MPI and the first round nothing is lost."""
    program = tmp_path / "dies.py"
    program.write_text(
        "import os, signal, sys\n"
        "from esmaml_mpi.commands.main import main\n"
        "from esmaml_mpi.training import launch\n"
        "agree = launch.agree\n"
        "def dies(world, prepare):\n"
        "    if world.size == 4 and world.rank == int(os.environ['VICTIM']):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return agree(world, prepare)\n"
        "launch.agree = dies\n"
        "sys.exit(main())\n"
    )
    straight = tmp_path / "straight.h5"
    assert run(train_arguments(SMALL, straight)).returncode == 0
    for victim in ("0", "2"):
        output = tmp_path / f"without_{victim}.h5"
        command = [sys.executable, str(program), *train_arguments(SMALL, output)[3:]]
        done = run([*tolerant(4), *command], timeout=60, VICTIM=victim)
        assert done.returncode == 0, done.stderr
        assert "ranks have died; the 3 that are left begin again" in done.stderr and "Traceback" not in done.stderr
        assert differences(straight, output) == []


@pytest.mark.parametrize("ranks", [None, 3, 8])
@pytest.mark.parametrize("pause", [0.005, 0.02])
def test_a_storm_of_signals_is_one_signal(tmp_path, ranks, pause):
    output = tmp_path / "storm.h5"
    job = start(train_arguments(LONG, output), ranks, *FAULT_TOLERANCE)
    _wait_for(output, 2)
    for _ in range(40):
        job.send_signal(signal.SIGUSR1)
        time.sleep(pause)
        if job.poll() is not None:
            break
    said, _ = job.communicate(timeout=60)
    assert job.returncode == 75 and "continue with --resume" in said, said


def test_a_rank_that_does_not_answer_is_ended_with_the_others(tmp_path):
    """Rank 2 is stopped for good; rank 1 raises, rank 2 does not hear of it, and the launcher has to end the job."""
    program = tmp_path / "freezes.py"
    program.write_text(
        "import os, signal, sys\n"
        "from esmaml_mpi.commands.main import main\n"
        "from esmaml_mpi.config.experiment import Experiment\n"
        "from esmaml_mpi.parallel import mpi_world\n"
        "mpi_world.PATIENCE = 3.0\n"
        "work = Experiment.train_units\n"
        "def disturbed(self, request, indices):\n"
        "    if os.environ['OMPI_COMM_WORLD_RANK'] == '2':\n"
        "        os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    if os.environ['OMPI_COMM_WORLD_RANK'] == '1':\n"
        "        raise IndexError('the bug')\n"
        "    return work(self, request, indices)\n"
        "Experiment.train_units = disturbed\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, str(program), *train_arguments(SMALL, tmp_path / "frozen.h5")[3:]]
    done = run([*tolerant(4), *command], timeout=60)
    assert done.returncode not in (0, 75) and "IndexError: the bug" in done.stderr


def _wait_for(output: Path, count: int) -> None:
    end = time.monotonic() + 60
    while iterations(output) < count:
        assert time.monotonic() < end, f"no {count} iterations in time"
        time.sleep(0.02)


def test_no_rank_outlives_its_job():
    """Of all the jobs above."""
    assert ranks_of(os.getpid()) == []
