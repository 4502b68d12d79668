"""The comparison of operators: which runs become which points, and that the script draws and tabulates them."""

import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_up import like
from made_up import train as made_up_train

import esmaml_mpi

SCRIPTS = Path(__file__).parents[2] / "analysis"
pytest.importorskip("matplotlib")

TINY = {
    "task": {"name": "four_corners", "horizon": 30},
    "policy": {"hidden": []},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"every": 1, "repeats": 2},
}
KINDS = {
    "mc": [],
    "dpp": ["adaptation.directions=dpp", "adaptation.direction_options={rho=2}"],
    "hc": ["adaptation.operator=hill_climbing"],
}
BATCH = ["adaptation.operator=hill_climbing", "adaptation.scheme=batch", "adaptation.evaluations=2"]


@pytest.fixture
def operators(monkeypatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(SCRIPTS)
    import operators

    return operators


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three operators at K = 3 and 2, plain and penalised, the plain ones with two seeds."""
    folder = tmp_path_factory.mktemp("runs")
    for kind, settings in KINDS.items():
        for queries in (3, 2):
            for penalty, seeds in ((0, 2), (1000, 1)):
                for seed in range(seeds):
                    more = [f"task.options={{penalty={penalty}}}", f"run.seed={seed}", f"adaptation.queries={queries}"]
                    train(folder / f"{kind}_{queries}_{penalty}_{seed}.h5", *settings, *more)
    return folder


def train(path, *overrides):
    return esmaml_mpi.train(TINY, overrides, output=path)


def run_script(*arguments, cwd):
    command = [sys.executable, SCRIPTS / "operators.py", *arguments]
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_figure_and_table(folder, tmp_path):
    done = run_script(*sorted(folder.glob("*.h5")), "--output", "figure.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout.endswith("figure.png\n")
    header = (tmp_path / "figure.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:24])[0] == 1920  # two panels
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| four")]
    assert [row[1:4] for row in rows[:6]] == [[k, name, "2"] for k in "23" for name in ("MC", "DPP", "HC")]
    assert [row[3] for row in rows[6:]] == ["1"] * 6 and all("penalty 1,000" in row[0] for row in rows[6:])
    plain = [esmaml_mpi.read_results(folder / f"hc_3_0_{seed}.h5").history["test"]["after"][-1] for seed in (0, 1)]
    assert rows[5][4].startswith(f"{np.mean(plain):.1f} +- ")


def test_points_of_a_run(folder, operators):
    run = esmaml_mpi.read_results(folder / "mc_3_1000_0.h5")
    point = operators.final(run, noisy=False, iteration=1)
    assert (point.panel, point.operator, point.x, point.seed) == ("four corners, penalty 1,000", "MC", 3, 0)
    assert point.lowest == -120 and point.returns.shape == (4, 2)
    assert operators.final(run, noisy=True, iteration=1).x == 0


def test_names_of_operators(operators):
    def climb(**changes):
        settings = dict(operator="hill_climbing", scheme="sequential", evaluations=1, reevaluate_pivot=False)
        return operators.label(SimpleNamespace(**{**settings, **changes}))

    assert climb() == "HC"
    assert climb(scheme="batch", evaluations=5, reevaluate_pivot=True) == "HC, batch of 5, pivot again"
    assert operators.label(SimpleNamespace(operator="es_gradient", directions="orthogonal")) == "orthogonal"
    assert operators.label(SimpleNamespace(operator="population_search")) == "population search"
    assert operators.queries(SimpleNamespace(), 21) == 20


def test_share_of_harmed_adaptations(operators):
    def point(returns, lowest=-400.0):
        return operators.Final("", "MC", 20, 0, 1, np.array(returns), lowest)

    assert point([[-400.0, -400.1], [np.nan, -50.0]]).harmed == pytest.approx(1 / 3)
    assert point([[-400.0, -400.1], [np.nan, -50.0]]).mean == pytest.approx(-850.1 / 3)
    assert np.isnan(point([[-1.0]], None).harmed)


def test_rewards_near_zero_are_told_apart_on_the_logarithmic_axis(scripts):
    import matplotlib.pyplot as plt
    import operators

    _, ax = plt.subplots()
    means = np.array([-41.0, -3.0, -0.3, -0.1])
    operators._logarithmic(ax, means)
    heights = ax.transData.transform([(0.0, mean) for mean in means])[:, 1]
    steps = np.diff(heights)
    assert steps / steps.sum() == pytest.approx(np.diff(-np.log10(-means)) / np.log10(410), rel=1e-6)
    texts = [text.get_text() for text in ax.get_yticklabels()]
    assert len(set(texts)) == len(texts) and "-0.1" in texts and "-30" in texts
    plt.close("all")


def test_the_same_operator_with_other_settings_is_told_apart(runs, notes, scripts):
    import operators
    from groups import group

    runs = [runs["k4_1"], runs["k6_1"], like(runs["k4_1"], 1, "meta.sigma=0.3"), like(runs["k4_1"], 2)]
    found = operators.points(group(runs, notes.append), False, notes.append)
    assert [(each.operator, each.x, each.seed) for each in found] == [
        ("MC, meta.sigma = 0.1", 4, 1),
        ("MC, meta.sigma = 0.3", 4, 1),
        ("MC, meta.sigma = 0.1", 4, 2),
        ("MC, meta.sigma = 0.1", 6, 1),
    ]
    assert notes == []
    other = like(runs[0], 1, "adaptation.operator=hill_climbing", "policy.hidden=[3]")
    found = operators.points(group([runs[0], other], notes.append), False, notes.append)
    assert [each.operator for each in found] == ["MC", "HC"]
    assert notes == ["four corners: operators differ in policy.hidden too"]
    noisy = operators.points(group(runs[:2], notes.append), True, notes.append)
    assert [each.operator for each in noisy] == ["MC, queries = 4", "MC, queries = 6"]


def test_seeds_are_scored_where_all_were_tested_and_those_that_failed_left_out(runs, notes, scripts, tmp_path, capsys):
    import operators
    from groups import group

    longer = made_up_train(tmp_path / "longer.h5", "run.seed=7", "meta.iterations=6")
    failed = like(runs["k4_2"], 2, test={"after": [0.0, 0.0, np.nan]})
    finals = operators.points(group([runs["k4_1"], longer, failed], notes.append), False, notes.append)
    assert [each.iteration for each in finals] == [4, 4, 4]
    assert finals[2].returns.tolist() == longer.history["test"]["after"][2].tolist()
    assert any("12 test returns are missing" in note for note in notes)
    operators._print_table(finals, False)
    mean = np.mean([runs["k4_1"].history["test"]["after"][2].mean(), finals[2].mean])
    assert f"| 4 | MC | 2 | {mean:.1f} +- " in capsys.readouterr().out
    operators._print_table([finals[1]], False)
    assert "| 4 | MC | 0 | - | - |" in capsys.readouterr().out


@pytest.mark.slow
def test_over_noise(tmp_path):
    for noise in (0.0, 5.0):
        more = [f"task.corruption={{noise_std={noise}}}", "adaptation.queries=2"]
        train(tmp_path / f"hc_{noise:g}.h5", *KINDS["hc"], *more)
        train(tmp_path / f"batch_{noise:g}.h5", *BATCH, *more)
    done = run_script(*sorted(tmp_path.glob("*.h5")), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ")[1:3] for line in done.stdout.splitlines() if line.startswith("| four")]
    assert rows == [[noise, name] for noise in "05" for name in ("HC", "HC, batch of 2")]
    assert (tmp_path / "operators.png").exists()


@pytest.mark.slow
def test_same_run_twice_and_no_results(folder, tmp_path):
    twice = tmp_path / "copy.h5"
    twice.write_bytes((folder / "mc_3_0_0.h5").read_bytes())
    done = run_script(folder / "mc_3_0_0.h5", twice, cwd=tmp_path)
    assert done.returncode == 0 and "left out" in done.stderr
    done = run_script(tmp_path / "none.h5", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("operators: ") and "Traceback" not in done.stderr
