"""The tune command: a search end to end, again after a kill, by two processes, under mpirun, and its report."""

import math
import os
import signal
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from helpers import assert_same_run
from studies import TINY, trials_of

from esmaml_mpi.commands.main import main
from esmaml_mpi.results.reader import read
from esmaml_mpi.tuning.plan import Plan

CONFIGS = Path(__file__).parents[2] / "configs"
pytestmark = pytest.mark.slow  # trainings of their own


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search by one process, and its output."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "tiny.toml").write_text(TINY)
    done = subprocess.run(_command(folder), capture_output=True, text=True, check=True)
    return folder / "out", done.stdout


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


def _command(folder, *more):
    words = ["tune", str(folder / "tiny.toml"), "--output", str(folder / "out"), "--jobs", "1", *more]
    return [sys.executable, "-m", "esmaml_mpi", *words]


def _tests(path):
    """Mean rewards after adaptation, the test before training left out."""
    test = read(path).history["test"]
    return [after.mean() for i, after in zip(test["iteration"], test["after"], strict=True) if i > 0]


def test_measures_are_those_of_the_runs(searched):
    out, _ = searched
    trials = trials_of(out)
    assert len(trials) == 8 and {"COMPLETE", "PRUNED"} == {trial[1] for trial in trials}
    for number, state, value, _, reports, measures in trials:
        runs = [_tests(out / f"trial{number:04}_seed{seed}.h5") for seed in (0, 1)] if state == "COMPLETE" else []
        assert not runs or measures == [run[-1] for run in runs]
        assert not runs or value == pytest.approx(statistics.fmean(measures))
        assert not runs or reports == pytest.approx(
            {k + 1: run for k, run in enumerate(runs[0])}
            | {k + 4: (first + second) / 2 for k, (first, second) in enumerate(zip(*runs, strict=True))}
        )


def test_all_runs_have_equal_rollouts(searched):
    counts = {}
    for path in searched[0].glob("**/*.h5"):
        results = read(path)
        each = int(results.history["train"]["rollouts"][0])
        whole = results.config.meta.iterations
        assert 1000 - 3 * each < whole * each <= 1000, path
        assert whole == 3 * results.config.test.every
        counts[each] = whole
    assert len(counts) > 1  # settings that change the rollouts of an iteration were among them


def test_the_report_has_80_columns_and_the_figures_of_fresh_seeds(searched):
    out, said = searched
    report = said[said.index("at most 1,000") :]
    assert all(len(line) <= 80 or "best.toml" in line for line in report.splitlines())
    best = max((t for t in trials_of(out) if t[1] == "COMPLETE"), key=lambda t: t[2])
    fresh = [_tests(out / "confirm" / f"trial{best[0]:04}_seed{seed}.h5")[-1] for seed in (2, 3)]
    error = statistics.stdev(fresh) / math.sqrt(2)
    assert f"{statistics.fmean(fresh):.2f} +- {error:.2f} (2 seeds)" in report
    rollouts = sum(int(read(path).history["train"]["rollouts"].sum()) for path in out.glob("trial*.h5"))
    assert f"{rollouts:,}" in " ".join(report.split()) and "the file's own" in report


def test_best_toml_is_the_run_of_the_first_fresh_seed(searched, tmp_path):
    out, _ = searched
    text = (out / "best.toml").read_text()
    assert text.startswith("# Found by `esmaml tune` in tiny.toml: trial ") and "1,000 training rollouts a run" in text
    number = int(text.partition("trial ")[2].split()[0])
    assert main(["train", str(out / "best.toml"), "--output", str(tmp_path / "best.h5"), "--quiet"]) == 0
    best, confirmed = read(tmp_path / "best.h5"), read(out / "confirm" / f"trial{number:04}_seed2.h5")
    assert_same_run(best, confirmed)
    means = {
        name: statistics.fmean(_tests(out / "confirm" / f"{name}_seed{seed}.h5")[-1] for seed in (2, 3))
        for name in {path.name.partition("_")[0] for path in (out / "confirm").glob("*.h5")}
    }
    assert means[f"trial{number:04}"] == max(means.values())
    assert tomllib.loads(text)["run"]["seed"] == 2


def test_the_same_command_again_changes_nothing(searched):
    out, said = searched
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = subprocess.run(_command(out.parent), capture_output=True, text=True, check=True)
    assert done.stdout == said[said.index("at most 1,000") :]
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_search_that_was_killed_has_the_trials_of_one_that_was_not(searched, folder):
    killed = 0
    for wait in ("trial0000_seed0.h5", "trial0002_seed1.h5", "trial0005_seed0.h5"):
        process = subprocess.Popen(_command(folder, "--quiet"), stderr=subprocess.DEVNULL)
        while process.poll() is None and not (folder / "out" / wait).exists():
            time.sleep(0.01)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed == 3
    subprocess.run(_command(folder), check=True, stdout=subprocess.DEVNULL)
    assert trials_of(folder / "out") == trials_of(searched[0])
    for path in searched[0].glob("**/*.h5"):
        assert_same_run(read(path), read(folder / "out" / path.relative_to(searched[0])))


def test_a_signal_saves_the_run_and_the_same_command_goes_on(searched, folder):
    process = subprocess.Popen(_command(folder, "--size", "long"), stdout=subprocess.PIPE, text=True)
    while not (folder / "out" / "trial0000_seed0.h5").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    out, _ = process.communicate()
    assert process.returncode == 75 and "1 trial begun; the same command goes on" in out
    assert trials_of(folder / "out")[0][1] == "RUNNING"
    where = ["tune", str(folder / "tiny.toml"), "--size", "long", "--output", str(folder / "out")]
    assert main([*where, "--is-complete"]) == 75


def test_several_processes_share_the_trials(folder, capfd):
    assert main(["tune", str(folder / "tiny.toml"), "--output", str(folder / "out"), "--jobs", "2"]) == 0
    trials = trials_of(folder / "out")
    assert [trial[0] for trial in trials] == list(range(8))
    assert {trial[1] for trial in trials} <= {"COMPLETE", "PRUNED"}
    confirmed = {path.name.partition("_")[0] for path in (folder / "out" / "confirm").glob("*.h5")}
    assert 2 <= len(confirmed) <= 3 and (folder / "out" / "best.toml").exists()
    said = capfd.readouterr().out
    assert said.count("at most 1,000 training rollouts a run") == 1
    assert all(said.count(f"trial {number} (8 in all)") == 1 for number in range(8))


def test_ranks_make_the_trials_of_one_process(searched, folder):
    launcher = os.environ.get("ESMAML_TEST_MPIRUN", "mpirun --oversubscribe").split()
    done = subprocess.run([*launcher, "-n", "2", *_command(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert trials_of(folder / "out") == trials_of(searched[0])
    assert (folder / "out" / "best.toml").read_text().partition("\n\n")[2] == (
        (searched[0] / "best.toml").read_text().partition("\n\n")[2]
    )


def test_settings_that_do_not_fit_end_their_trial_alone(folder, capsys):
    (folder / "tiny.toml").write_text(
        TINY.replace("[tune.space.operator]", "[tune.space.estimator]").replace(
            'hc.adaptation.operator = "hill_climbing"', 'odd.meta = { estimator = "antithetic", perturbations = 3 }'
        )
    )
    where = ["tune", str(folder / "tiny.toml"), "--output", str(folder / "out"), "--jobs", "1"]
    assert main([*where, "--set", "tune.confirm.seeds=0"]) == 0
    said = capsys.readouterr().out
    assert "ended, " in said and "not fit to run" in said
    odd = [trial for trial in trials_of(folder / "out") if trial[3]["estimator"] == "odd"]
    assert odd and all(trial[1] == "PRUNED" and not trial[4] for trial in odd)


def test_own_settings_beyond_the_budget_are_not_confirmed(folder, capsys):
    text = TINY.replace("perturbations = 4", "perturbations = 20").replace("rollouts = 1000", "rollouts = 400")
    space = text.index("[tune.space]")
    text = text[:space] + "[tune.space]\nmeta.perturbations = [1, 2, 20]\n" + text[text.index("[sizes.long]") :]
    (folder / "tiny.toml").write_text(text)
    where = ["tune", str(folder / "tiny.toml"), "--output", str(folder / "out"), "--jobs", "1"]
    assert main([*where, "--set", "tune.trials=4", "--set", "tune.seeds=1"]) == 0
    assert main([*where, "--set", "tune.trials=4", "--set", "tune.seeds=1", "--report"]) == 0
    said = capsys.readouterr().out
    own, *others = trials_of(folder / "out")
    assert own[1] == "PRUNED" and not own[4] and any(trial[1] == "COMPLETE" for trial in others)
    assert "not fit to run" in said and "an iteration takes" in said
    assert tomllib.loads((folder / "out" / "best.toml").read_text())["meta"]["perturbations"] < 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "meta.sigma=0.3"], ["--set meta.sigma=0.3", "searched"]),
        (["--set", "meta.iterations=9"], ["--set meta.iterations=9", "tune.rollouts"]),
        (["--set", "run.seed=9"], ["--set run.seed=9", "tune.seeds"]),
        (["--set", "tune.trials=0"], ["tune.trials = 0", ">= 1"]),
        (["--set", "tune.space.meta.sigmo=[1.0]"], ["tune.space.meta.sigmo", "Did you mean 'meta.sigma'"]),
        (["--set", "tune.space.adaptation.sigma=[-1.0]"], ["tune.space.adaptation.sigma", "sigma = -1.0", "> 0"]),
        (["--size", "huge"], ["--size huge", "Allowed: paper, long"]),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_begins(folder, capsys, arguments, words):
    where = ["tune", str(folder / "tiny.toml"), "--output", str(folder / "out")]
    assert main([*where, *arguments]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said
    assert not (folder / "out").exists()


@pytest.mark.parametrize("path", [p for p in CONFIGS.glob("*.toml") if "[tune]" in p.read_text()], ids=lambda p: p.stem)
def test_files_that_come_with_the_program_can_be_searched(path):
    plan = Plan(path)
    assert plan.own_values() is not None


def test_a_file_without_the_table_is_named(folder, capsys):
    (folder / "plain.toml").write_text('[run]\nname = "x"\n')
    assert main(["tune", str(folder / "plain.toml")]) == 2
    assert "has no table [tune]" in capsys.readouterr().err


def test_files_of_others_are_left_alone(searched, folder, capsys):
    (folder / "out").mkdir()
    (folder / "out" / "best.toml").write_text("# mine\n")
    assert main(_command(folder)[3:]) == 2
    assert "best.toml exists" in capsys.readouterr().err
    assert (folder / "out" / "best.toml").read_text() == "# mine\n"


def test_results_of_another_run_are_not_touched(searched, folder, capsys):
    (folder / "out").mkdir()
    other = folder / "out" / "trial0000_seed0.h5"
    other.write_bytes((searched[0] / "trial0001_seed0.h5").read_bytes())
    before = other.read_bytes()
    assert main(_command(folder)[3:]) == 2
    assert "its configuration differs" in capsys.readouterr().err and other.read_bytes() == before


def test_without_optuna_its_installation_is_said(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["tune", str(folder / "tiny.toml"), "--output", str(folder / "out")]) == 2
    assert 'pip install "esmaml-mpi[tune]"' in capsys.readouterr().err


def test_a_report_needs_no_training(searched, folder, capsys):
    out, said = searched
    where = ["tune", str(out.parent / "tiny.toml"), "--output", str(out)]
    assert main([*where, "--report"]) == 0
    assert capsys.readouterr().out.rstrip() in said
    assert main([*where, "--is-complete"]) == 0
    capsys.readouterr()
    assert main(["tune", str(folder / "tiny.toml"), "--output", str(folder / "none"), "--is-complete"]) == 75
    assert "missing" in capsys.readouterr().out and not (folder / "none").exists()
