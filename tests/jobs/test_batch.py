"""What a job script does when its launcher has ended, with stand-ins for Slurm and for mpirun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import assert_same_run

import esmaml_mpi

pytestmark = pytest.mark.slow  # trainings of their own

ROOT = Path(__file__).parents[2]
CONFIG = """
[policy]
hidden = []
[meta]
iterations = 6
perturbations = 4
current_evaluations = 2
[adaptation]
queries = 2
[checkpoint]
every = 1
"""
TRAIN = "train.slurm run.toml --output run.h5"
# Counts its starts in the file `starts`; $LAUNCH is what it does with the command after its own options.
MPIRUN = """#!/bin/bash
[ "$1" != --version ] || exit 0
while [ "$1" != -n ]; do shift; done
shift 2
echo x >>starts
start=$(wc -l <starts)
eval "$LAUNCH"
"""
SQUEUE = """#!/bin/bash
echo "$@" >>asked
[ "$(wc -l <asked)" -gt "${BUSY:-0}" ] || { echo "squeue: error: Socket timed out on send/recv operation" >&2; exit 1; }
echo "$SLURM_JOB_ID"
"""
SCONTROL = """#!/bin/bash
[ "$1" != show ] || exec printf '%s\\n' $SLURM_JOB_NODELIST
echo "$@" >>requeued
exit "$REFUSES"
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Submit the job in an empty folder: a function of what the launcher does and whether Slurm requeues."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "run.toml").write_text(CONFIG)
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "esmaml").write_text(f'#!/bin/bash\nexec "{sys.executable}" -m esmaml_mpi "$@"\n')
    (tools / "mpirun").write_text(MPIRUN)
    (tools / "squeue").write_text(SQUEUE)
    (tools / "scontrol").write_text(SCONTROL)
    (tools / "srun").write_text('#!/bin/bash\n[[ " $* " != *" --nodelist=$SILENT "* ]]\n')
    for script in [venv / "esmaml", *tools.iterdir()]:
        script.chmod(0o755)
    monkeypatch.chdir(tmp_path)

    def start(
        launch: str, requeues: bool = True, silent: str = "", command: str = TRAIN, **more: str
    ) -> subprocess.Popen:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "OMPI_", "PMI"))},
            **{"PATH": f"{tools}:{os.environ['PATH']}", "ESMAML_HOME": str(ROOT), "ESMAML_VENV": str(venv.parent)},
            **{"ESMAML_LAUNCHER": "mpirun", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "5"},
            **{"SLURM_JOB_NODELIST": "localhost there elsewhere", "SLURM_TASKS_PER_NODE": "2(x2),1"},
            **{"SLURM_JOB_NUM_NODES": "3" if silent else "1", "SILENT": silent},
            **{"LAUNCH": launch, "REFUSES": str(int(not requeues)), "ESMAML_IGNORE_SLURM_NTASKS": "1"},
            **more,
        }
        return subprocess.Popen(
            ["bash", *(ROOT / "jobs" / word if word.endswith(".slurm") else word for word in command.split())],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def ended(process: subprocess.Popen) -> tuple[int, str]:
    output, _ = process.communicate(timeout=280)
    return process.returncode, output


def lines(name: str) -> int:
    return len(Path(name).read_text().splitlines()) if Path(name).exists() else 0


def test_a_search_is_a_job_too(job):
    with open("run.toml", "a") as file:
        file.write("[tune]\nrollouts = 600\ntests = 2\ntrials = 2\nseeds = 1\nconfirm = { best = 1, seeds = 1 }\n")
        file.write("[tune.space]\nmeta.sigma = { low = 0.05, high = 0.2 }\n")
    code, output = ended(job(AS_IT_IS, command="tune.slurm run.toml --output out"))
    assert code == 0 and "2 trials: 2 complete" in output and Path("out", "best.toml").exists(), output
    code, output = ended(job("exit 1", command="tune.slurm run.toml --output other"))
    assert code == 1 and "other: missing" in output, output


def test_a_search_that_got_further_is_put_back_into_the_queue(job):
    with open("run.toml", "a") as file:
        file.write("[tune]\nrollouts = 60000\ntests = 2\ntrials = 2\nseeds = 1\nconfirm = { best = 1, seeds = 1 }\n")
        file.write("[tune.space]\nmeta.sigma = { low = 0.05, high = 0.2 }\n")
    reported = """while ! grep -qs '"intermediate_value":' out/study.journal; do sleep 0.2; done"""
    killed = f'ESMAML_RANKS= "$@" & {reported}; kill -9 $!; exit 137'
    code, output = ended(job(killed, command="tune.slurm run.toml --output out"))
    assert code == 75 and "but further than before: out: incomplete, " in output and " made" in output, output
    code, output = ended(job("exit 137", command="tune.slurm run.toml --output out"))
    assert code == 137 and "not complete (exit code 137): out: incomplete" in output, output
    assert lines("requeued") == 1


def test_of_an_array_its_own_task_is_asked_for_and_requeued(job):
    array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}  # the last task of array 7 is job 7 itself
    code, output = ended(job(TWO_MORE + "137", **array))
    assert code == 75 and "job 7_3 is back in the queue" in output, output
    assert Path("requeued").read_text() == "requeue 7_3\n" and Path("asked").read_text().split()[:3] == [
        "-h",
        "-j",
        "7_3",
    ]


def test_a_run_in_a_folder_that_begins_with_a_number_is_not_taken_for_further(job):
    code, output = ended(job("exit 1", command="train.slurm run.toml --output 2026-11/run.h5"))
    assert code == 1 and "2026-11/run.h5: missing" in output and "integer" not in output, output
    assert lines("starts") == 1 and not Path("requeued").exists()


def test_a_controller_that_does_not_answer_at_once_is_asked_again(job):
    code, output = ended(job(TWO_MORE + "137", BUSY="2", ESMAML_SLURM_PAUSE="0"))
    assert code == 75 and lines("requeued") == 1 and lines("asked") == 3, output
    for path in ("requeued", "asked", "starts", "run.h5", "run.h5.previous"):
        Path(path).unlink(missing_ok=True)
    # Who cannot be asked is no reason to give up.
    code, output = ended(job(TWO_MORE + "137", BUSY="99", ESMAML_SLURM_PAUSE="0"))
    assert code == 75 and lines("requeued") == 1 and lines("asked") == 4, output


def test_a_signal_while_there_are_no_ranks_is_told_to_those_that_come(job, tmp_path):
    esmaml = tmp_path / "venv" / "bin" / "esmaml"
    slow = '[[ " $* " != *--is-complete* ]] || [ -e slept ] || { touch slept; sleep 3; }\n'
    esmaml.write_text(esmaml.read_text().replace("\n", f"\n{slow}", 1))
    process = job(f"{AS_IT_IS} --set meta.iterations=100000")
    while not Path("slept").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGUSR1)
    code, output = ended(process)
    assert code == 75 and "stopped by a signal" in output and lines("requeued") == 1, output


@pytest.mark.parametrize(
    "command, said",
    [
        ("train.slurm --set meta.sigma=1 run.toml", "usage: sbatch"),
        ("train.slurm run.toml --overwrite", "--overwrite: the job would begin again"),
    ],
)
def test_arguments_that_would_mislead_a_job_end_it(job, command, said):
    code, output = ended(job(AS_IT_IS, command=command))
    assert code == 2 and said in output and lines("starts") == 0


def test_what_a_shell_of_sruns_has_brought_along_is_not_the_ranks(job):
    alien = {"PMIX_RANK": "0", "PMIX_NAMESPACE": "slurm.pmix.1.0", "PMIX_SERVER_URI4": "x", "OMPI_COMM_WORLD_SIZE": "4"}
    code, output = ended(job(f"env | grep -E '^(PMI|OMPI_COMM)' >brought; {AS_IT_IS}", **alien, PMIX_MCA_gds="hash"))
    assert code == 0 and Path("brought").read_text() == "PMIX_MCA_gds=hash\n", output


AS_IT_IS = 'ESMAML_RANKS= exec "$@"'
TWO_MORE = 'ESMAML_RANKS= "$@" --set meta.iterations=$((2 * start)); exit '  # and then all ranks are killed


def test_a_run_that_is_complete_ends_the_job_with_0(job):
    assert ended(job(AS_IT_IS))[0] == 0
    assert esmaml_mpi.read_results("run.h5").checkpoint["iteration"] == 6 and not Path("requeued").exists()


def test_it_is_complete_whatever_the_launcher_says_of_its_end(job):
    code, output = ended(job('ESMAML_RANKS= "$@"; exit 255'))
    assert code == 0 and "complete, although the launcher ended with exit code 255" in output


@pytest.mark.parametrize("exit_code", [0, 137, 255])
def test_an_unfinished_run_that_got_further_is_put_back_into_the_queue(job, exit_code):
    code, output = ended(job(TWO_MORE + str(exit_code)))
    assert code == 75 and "run.h5: incomplete, iteration 2 of 6" in output
    assert Path("requeued").read_text() == "requeue 7\n"


@pytest.mark.parametrize("exit_code", [0, 255])
def test_where_it_cannot_be_requeued_it_goes_on_in_this_job(job, exit_code):
    code, output = ended(job(TWO_MORE + str(exit_code), requeues=False))
    assert code == 0, output
    assert lines("starts") == 3 and "run.h5: incomplete, iteration 4 of 6" in output
    assert_same_run(esmaml_mpi.read_results("run.h5"), esmaml_mpi.train("run.toml"))


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 1), (1, 1), (3, 3)])
def test_an_unfinished_run_that_gets_no_further_ends_with_another_code_than_0(job, exit_code, expected):
    code, output = ended(job(f"exit {exit_code}"))
    assert code == expected and "run.h5: missing" in output
    assert lines("starts") == 1 and not Path("requeued").exists()


def test_a_wrong_configuration_is_not_tried_again(job):
    Path("run.toml").write_text("[meta]\nsigmma = 1\n")
    code, output = ended(job(AS_IT_IS))
    assert code == 2 and "meta.sigmma" in output and lines("starts") == 0


def test_usr1_before_the_ranks_hear_it_neither_kills_them_nor_is_lost(job):
    process = job('sleep 3; ESMAML_RANKS= exec "$@" --set meta.iterations=100000')
    while lines("starts") == 0:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGUSR1)
    code, output = ended(process)
    assert code == 75 and "stopped by a signal" in output, output
    assert Path("requeued").read_text() == "requeue 7\n"


def test_it_goes_on_without_a_node_that_is_lost_however_far_it_got(job):
    code, output = ended(job(f"[ $start = 2 ] || exit 255; {AS_IT_IS}", silent="there"))
    assert code == 0, output
    assert "No such file" not in output and "Traceback" not in output, (
        "nodes are watched also where esmaml's folder has no python, as ~/.local/bin"
    )
    assert lines("starts") == 2 and not Path("requeued").exists()
    assert (
        "lost: there" in output and "goes on with 3 ranks" in output and "-hosts localhost:2,elsewhere:1 -n 3" in output
    )


def test_a_launcher_that_lingers_when_all_is_done_is_ended(job):
    began = time.monotonic()
    code, output = ended(job('ESMAML_RANKS= "$@"; exec sleep 300'))
    assert code == 0 and "the launcher is ended" in output, output
    assert time.monotonic() - began < 250
