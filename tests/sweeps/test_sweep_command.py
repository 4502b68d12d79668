"""The sweep command: skips, continues and refuses, lists, trains by index, outlives failures, stops on signals."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import UsageError
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.lock import OutputLock
from esmaml_mpi.sweeps.plan import Sweep
from esmaml_mpi.sweeps.run import sweep as sweep_with_ranks

EXPERIMENT = """
[run]
name = "tiny"
[task]
horizon = 12
options = { reward = "squared_distance" }
[policy]
hidden = []
[adaptation]
queries = 3
[meta]
iterations = 4
perturbations = 4
current_evaluations = 2
[test]
every = 2
repeats = 1
[checkpoint]
every = 1
[sweep]
seeds = 2
[sweep.variants]
mc = {}
hc.adaptation.operator = "hill_climbing"
[sizes.long]
meta.iterations = 20000
checkpoint.every = 20
"""
RUNS = ("mc_seed0", "hc_seed0", "mc_seed1", "hc_seed1")


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(EXPERIMENT)
    return path


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def sweep(experiment, folder, capfd):
    """The command in this process: its exit code, output and errors."""

    def sweep(*arguments):
        code = main(["sweep", str(experiment), "--output", str(folder), *arguments])
        output = capfd.readouterr()
        return code, output.out, output.err

    return sweep


@pytest.fixture
def started(experiment, folder):
    """The command in the long size, two runs at once, in a process of its own."""
    command = [sys.executable, "-m", "esmaml_mpi", "sweep", str(experiment), "--output", str(folder)]
    process = subprocess.Popen(
        [*command, "--size", "long", "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    yield process
    if process.poll() is None:  # TERM, so that its own processes end with it
        process.terminate()
    process.communicate()


def iterations(path):
    return int(esmaml_mpi.read_results(path).checkpoint["iteration"]) if path.exists() else -1


def wait_for(*paths, iteration=20):
    deadline = time.monotonic() + 60
    while any(iterations(path) < iteration for path in paths):
        assert time.monotonic() < deadline, "the runs do not get on"
        time.sleep(0.01)


def process_of(path):
    """The process that writes this results file."""
    return int(path.with_name(f".{path.name}.lock").read_text().split()[1])


def test_a_signal_before_the_first_run_does_not_make_the_sweep_complete(sweep, folder, monkeypatch):
    monkeypatch.setattr("esmaml_mpi.training.interruption._early", [signal.SIGUSR1])
    code, output, _ = sweep()
    assert code == 75 and "stopped: 0 of 4 runs done; the same command goes on" in output
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_sweep_trains_every_run_as_training_it_alone_does(sweep, experiment, folder):
    code, output, _ = sweep("--jobs", "2")
    assert code == 0 and "[4/4 done]" in output and "4 runs, 0 complete; 2 at once" in output
    names = {f"{run}.{kind}" for run in RUNS for kind in ("h5", "h5.previous", "log", "toml")}
    assert {path.name for path in folder.iterdir()} == names
    for run in Sweep(experiment).runs():
        assert_same_run(esmaml_mpi.read_results(run.file(folder)), esmaml_mpi.train(run.config))
    assert "iterations done" in (folder / "hc_seed1.log").read_text()


@pytest.mark.slow
def test_what_is_complete_is_skipped_and_what_is_longer_now_is_continued(sweep, folder):
    assert sweep("--only", "*_seed0")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.h5")}
    assert len(before) == 2
    code, output, _ = sweep()
    assert code == 0 and "4 runs, 2 complete" in output and "[4/4 done]" in output
    assert all(path.stat().st_mtime_ns == time_ns for path, time_ns in before.items())
    code, output, _ = sweep("--set", "meta.iterations=6", "--only", "mc_seed0")
    assert code == 0 and iterations(folder / "mc_seed0.h5") == 6
    assert len(esmaml_mpi.read_results(folder / "mc_seed0.h5").launches) == 2
    assert "runs: the run is complete" in sweep("--only", "hc_seed0")[1]


def test_files_of_other_runs_are_refused_with_the_difference_and_nothing_is_started(sweep, folder):
    assert sweep("--only", "mc_seed0")[0] == 0
    before = (folder / "mc_seed0.h5").read_bytes()
    code, _, errors = sweep("--set", "meta.sigma=0.2")
    assert code == 2 and "mc_seed0.h5: its configuration differs in meta.sigma: 0.1 -> 0.2" in errors
    code, _, errors = sweep("--set", "meta.iterations=3")
    assert code == 2 and "mc_seed0.h5: meta.iterations = 3, but 4 are done already" in errors
    (folder / "hc_seed0.h5").write_bytes(b"no results")
    code, _, errors = sweep()
    assert code == 2 and "hc_seed0.h5" in errors
    assert (folder / "mc_seed0.h5").read_bytes() == before
    assert {path.name for path in folder.glob("*.h5")} == {"mc_seed0.h5", "hc_seed0.h5"}


def test_a_bad_point_is_found_before_the_first_run_starts(sweep, experiment, folder):
    experiment.write_text(EXPERIMENT.replace("[sizes.long]", "bad.meta.top_directions = 99\n[sizes.long]"))
    code, _, errors = sweep()
    assert code == 2 and "bad: meta.top_directions = 99" in errors and not folder.exists()


@pytest.mark.slow
def test_a_run_that_fails_is_named_with_its_log_and_the_others_go_on(sweep, folder, tmp_path):
    launcher = tmp_path / "launcher.sh"
    launcher.write_text('case "$*" in *hc_seed0*) echo "no luck"; exit 3 ;; esac; exec "$@"')
    code, output, errors = sweep("--launcher", f"sh {launcher}", "--jobs", "2")
    log = folder / "hc_seed0.log"
    assert code == 1 and f"hc_seed0: FAILED with exit code 3, see {log}" in output
    assert f"hc_seed0 failed: no luck ({log})" in errors
    assert [iterations(folder / f"{run}.h5") for run in RUNS] == [4, -1, 4, 4]
    assert sweep()[0] == 0


@pytest.mark.slow
def test_a_quiet_sweep_says_failures_alone(sweep, folder, tmp_path):
    assert sweep("--quiet", "--only", "mc_seed0") == (0, "", "")
    assert sweep("--quiet", "--only", "mc_seed0") == (0, "", ""), "it is complete"
    code, output, errors = sweep("--quiet", "--index", "2")  # a warning of the run may stand there
    assert code == 0 and "iterations done" not in output and "run 2" not in output and errors == ""
    launcher = tmp_path / "launcher.sh"
    launcher.write_text('echo "no luck"; exit 3')
    code, output, errors = sweep("--quiet", "--launcher", f"sh {launcher}", "--only", "hc_seed0")
    assert code == 1 and output == "" and "hc_seed0 failed: no luck" in errors


@pytest.mark.parametrize("suffix", ["log", "toml"])
def test_a_run_whose_files_cannot_be_written_fails_and_the_others_go_on(suffix, sweep, folder):
    (folder / f"hc_seed0.{suffix}").mkdir(parents=True)
    code, output, errors = sweep("--only", "*_seed0", "--jobs", "1")
    why = f"Is a directory: {folder}" if suffix == "log" else f"its configuration {folder}/hc_seed0.toml is not a file"
    assert code == 1 and f"hc_seed0: FAILED before it began, {why}" in output
    assert "esmaml: hc_seed0 failed: its log cannot be read" in errors and "Traceback" not in errors
    assert [iterations(folder / f"{run}.h5") for run in RUNS[:2]] == [4, -1]


@pytest.mark.slow
def test_a_run_that_another_process_writes_is_left_alone(sweep, folder):
    lock = OutputLock(folder / "mc_seed1.h5")
    lock.acquire()
    try:
        code, output, _ = sweep()
        listed = sweep("--list")[1]
    finally:
        lock.release()
    assert code == 75 and "mc_seed1: running, iteration 0 of 4, by process" in output
    assert "mc_seed1.h5  running, iteration 0 of 4, by process" in listed and listed.count("  complete") == 3
    assert sweep()[0] == 0


def test_a_run_whose_process_was_killed_with_its_machine_is_continued(sweep, folder):
    assert sweep("--set", "meta.iterations=1", "--only", "mc_seed0")[0] == 0
    (folder / ".mc_seed0.h5.lock").write_text("process 4242 on another-machine")
    assert "mc_seed0.h5  incomplete, iteration 1 of 4\n" in sweep("--list")[1]
    assert sweep("--only", "mc_seed0")[0] == 0
    assert iterations(folder / "mc_seed0.h5") == 4


@pytest.mark.slow
def test_two_sweeps_that_start_at_once_share_the_folder(experiment, folder):
    command = [sys.executable, "-m", "esmaml_mpi", "sweep", str(experiment), "--output", str(folder), "--jobs", "2"]
    command += ["--size", "long", "--set", "meta.iterations=2000", "--only", "*_seed0"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert {process.returncode for process in both} <= {0, 75}, outputs
    assert not any("FAILED" in output for output in outputs)
    assert [iterations(folder / f"{run}.h5") for run in RUNS[:2]] == [2000, 2000]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--launcher", "no-such-mpirun -n 4"), "there is no command no-such-mpirun here"),
        (("--launcher", "mpirun '"), "No closing quotation"),
        (("--output", "{experiment}"), "cannot make the folder"),
    ],
)
def test_what_cannot_be_started_is_one_line(arguments, said, sweep, experiment):
    code, _, errors = sweep(*(each.format(experiment=experiment) for each in arguments))
    assert code == 2 and said in errors and "Traceback" not in errors


def test_the_list_says_how_far_each_run_is(sweep, folder):
    assert sweep("--set", "meta.iterations=1", "--only", "mc_seed0", "--only", "hc_seed0")[0] == 0
    assert sweep("--only", "mc_seed0")[0] == 0
    code, output, _ = sweep("--list")
    lines = output.splitlines()
    assert code == 0 and [line.split()[:2] for line in lines[:4]] == [[str(i), run] for i, run in enumerate(RUNS)]
    assert lines[0].endswith(f"{folder / 'mc_seed0.h5'}  complete")
    assert lines[1].endswith("incomplete, iteration 1 of 4") and lines[2].endswith("missing")
    assert lines[4] == "4 runs: 1 complete, 1 incomplete, 2 missing"
    assert "sbatch --array=0-3 jobs/sweep.slurm" in lines[5] and lines[5].endswith(f"--output {folder}")
    chosen = sweep("--list", "--only", "hc*")[1].splitlines()
    assert chosen[1].split()[0] == "3" and "--array=1,3 jobs" in chosen[3]  # indices are those of the whole sweep
    code, _, errors = sweep("--only", "pg*")
    assert code == 2 and "--only pg*: no run is called so; for example mc_seed0" in errors


def test_a_list_that_is_not_read_to_its_end_is_no_error(experiment):
    command = f"{sys.executable} -m esmaml_mpi sweep {experiment} --list --set sweep.seeds=5000 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("    0  mc_seed0")


@pytest.mark.parametrize("command", [["sweep"], ["train", "--output", "{folder}/mc_seed0.h5"]], ids=["sweep", "train"])
def test_training_goes_on_when_its_reader_leaves(command, experiment, folder):
    """As after `esmaml sweep FILE | head -1`: what is told nobody any more must not end what it tells of."""
    words = [word.format(folder=folder) for word in command[1:]] or ["--output", str(folder), "--only", "mc_seed0"]
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "esmaml_mpi", command[0], str(experiment), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0 and "Traceback" not in errors and "is lost; the run goes on" in errors
    assert iterations(folder / "mc_seed0.h5") == 4


def test_an_index_trains_that_run_in_this_process(sweep, experiment, folder):
    code, output, _ = sweep("--index", "3", "--set", "meta.iterations=2")
    assert code == 0 and "hc_seed1.h5: 2 iterations done" in output
    assert sorted(path.name for path in folder.iterdir()) == ["hc_seed1.h5", "hc_seed1.h5.previous"]
    assert sweep("--index", "3")[0] == 0  # continued
    expected = esmaml_mpi.train(Sweep(experiment).run(3).config)
    assert_same_run(esmaml_mpi.read_results(folder / "hc_seed1.h5"), expected)
    assert sweep("--index", "3", "--set", "meta.sigma=0.2")[0] == 2
    code, _, errors = sweep("--index", "3", "--only", "mc*")
    assert code == 2 and "--only mc*: no run is called so; for example hc_seed1 is one" in errors
    code, _, errors = sweep("--index", "4")
    assert code == 2 and "has 4 runs, 0 to 3" in errors


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_checkpoint_bit_for_bit(started, sweep, experiment, folder):
    path = folder / "mc_seed0.h5"
    wait_for(path, folder / "hc_seed0.h5")
    killed = process_of(path)
    os.kill(killed, signal.SIGKILL)
    wait_for(path, iteration=iterations(path) + 20)
    assert process_of(path) != killed
    started.terminate()
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 75, output
    assert "mc_seed0: ended by signal SIGKILL at incomplete, iteration " in output and "it goes on from there" in output
    enough = f"meta.iterations={iterations(path) + 30}"
    assert sweep("--size", "long", "--set", enough, "--only", "mc_seed0")[0] == 0
    run = Sweep(experiment, "long", [enough]).run(0)
    assert_same_run(esmaml_mpi.read_results(path), esmaml_mpi.train(run.config))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_all_runs_with_their_checkpoints_written(started, folder, number):
    paths = folder / "mc_seed0.h5", folder / "hc_seed0.h5"
    wait_for(*paths)
    processes = [process_of(path) for path in paths]
    started.send_signal(number)
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 75, output
    assert "stopped: 0 of 4 runs done" in output
    for path, process in zip(paths, processes, strict=True):
        assert not path.with_name(f".{path.name}.lock").exists()
        assert "continue with --resume" in path.with_suffix(".log").read_text()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert not (folder / "mc_seed1.h5").exists()


def test_an_exit_code_of_0_does_not_make_a_run_complete(sweep, folder, tmp_path):
    """Open MPI ends with it when all ranks were killed."""
    launcher = tmp_path / "launcher.sh"
    launcher.write_text('"$@" --set meta.iterations=2; exit 0')
    code, output, _ = sweep("--launcher", f"sh {launcher}", "--only", "mc_seed0")
    assert code == 1 and "mc_seed0: ended by exit code 0 at incomplete, iteration 2 of 4; it goes on" in output
    assert "mc_seed0: FAILED with exit code 0 at incomplete, iteration 2 of 4" in output  # no further the second time
    launcher.write_text('"$@"; exit 255')
    code, output, _ = sweep("--launcher", f"sh {launcher}", "--only", "mc_seed0")
    assert code == 0 and "mc_seed0: done" in output


def test_each_run_can_have_a_launcher(sweep, folder):
    code, output, _ = sweep("--launcher", "env OMP_NUM_THREADS=1", "--only", "*_seed0")  # it stands in for mpirun
    assert code == 0 and "1 at once" in output and iterations(folder / "mc_seed0.h5") == 4


def test_ranks_of_a_launcher_cannot_share_a_whole_sweep(experiment):
    world = type("Two", (World,), {"size": 2})()
    with pytest.raises(UsageError, match="leave mpirun or srun out") as caught:
        sweep_with_ranks(SimpleNamespace(index=None, is_complete=False), world)
    assert caught.value.known_to_all_ranks
