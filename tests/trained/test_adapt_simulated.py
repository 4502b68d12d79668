"""Sessions of simulated tasks: they repeat what ``evaluate`` does, however often they are interrupted."""

import json
import re

import numpy as np
import pytest
from adapt_robot import TINY

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.results.session_file import SessionFile


def test_a_simulated_task_adapts_as_evaluate_does(results, adapt, tmp_path, capsys):
    main(["evaluate", str(results), "--tasks", "2", "--seed", "9", "--repeats", "1"])
    before, after = map(float, re.search(r"^ +2 +(\S+) +(\S+)$", capsys.readouterr().out, re.MULTILINE).groups())
    code, out, _ = adapt(results, "--task", 2, "--seed", 9)
    assert code == 0
    found = re.search(r"task 2: reward (\S+) before, at best (\S+) in 5 trials, (\S+) after", out).groups()
    assert (float(found[0]), float(found[2])) == (before, after)
    with SessionFile(tmp_path / "a.session") as file:
        assert float(found[1]) == round(max(file.read().rewards), 2)


@pytest.mark.parametrize(
    "chosen",
    [
        ["directions=orthogonal"],
        ["directions=orthogonal", "decoder=ridge", "steps=2"],
        ["directions=hadamard", "estimator=antithetic"],
        ["directions=dpp", "direction_options={rho=3}"],
        ["operator=hill_climbing", "scheme=batch", "evaluations=4", "sigma=0.1", "directions=orthogonal"],
        ["operator=population_search", "population=4", "directions=dpp"],
    ],
    ids=" ".join,
)
def test_a_session_of_joint_directions_is_a_repeat_of_evaluate(sloping_results, adapt, tmp_path, chosen):
    chosen = [part for key in chosen for part in ("--set", f"adaptation.{key}")]

    def evaluate(*overrides):
        file = tmp_path / "returns.json"
        options = ["--tasks", "1,3", "--seed", "9", "--repeats", "1", "--json", str(file)]
        assert main(["evaluate", str(sloping_results), *options, *overrides]) == 0
        return json.loads(file.read_text())

    evaluated, no_options = evaluate(*chosen), ["--set", "adaptation.direction_options={}"]
    assert evaluated["after"] != evaluate(*chosen, "--set", "adaptation.directions=gaussian", *no_options)["after"]
    for number, task in enumerate((1, 3)):
        code, out, err = adapt(sloping_results, "--task", task, "--seed", 9, *chosen, name=f"{task}.session")
        found = re.search(rf"task {task}: reward (\S+) before, .*, (\S+) after", out).groups()
        assert code == 0 and not err
        assert found == tuple(f"{evaluated[name][number][0]:.2f}" for name in ("before", "after"))


@pytest.mark.parametrize("directions", ["orthogonal", "dpp"])
def test_a_session_of_joint_directions_does_not_depend_on_interruptions(sloping_results, adapt, tmp_path, directions):
    chosen = ["--set", f"adaptation.directions={directions}", "--set", "adaptation.steps=2"]
    assert adapt(sloping_results, *chosen, "--task", 1, name="whole.session")[0] == 0
    codes = [adapt(sloping_results, *chosen, "--task", 1, "--trials", 3)[0]] + [
        adapt("--trials", 3)[0] for _ in range(3)
    ]
    assert codes == [75] * 3 + [0]
    first, second = (dict(np.load(tmp_path / f"{name}.adapted.npz")) for name in ("whole", "a"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_session_of_corrupted_rewards_is_a_repeat_of_evaluate(adapt, tmp_path, capsys):
    corruption = {"fraction": 0.5, "outlier_scale": 100.0, "relative": False}
    task = {"horizon": 10, "options": {"reward": "squared_distance"}, "corruption": corruption}
    esmaml_mpi.train({**TINY, "task": task}, output=tmp_path / "run.h5")
    capsys.readouterr()
    main(["evaluate", str(tmp_path / "run.h5"), "--tasks", "1", "--seed", "9", "--repeats", "1"])
    (after,) = re.search(r"^ +1 +\S+ +(\S+)$", capsys.readouterr().out, re.MULTILINE).groups()
    _, out, _ = adapt(tmp_path / "run.h5", "--task", 1, "--seed", 9)
    assert f"{after} after adaptation" in out


def test_simulated_trials_do_not_depend_on_interruptions(noisy_results, adapt, tmp_path):
    assert adapt(noisy_results, "--task", 1, name="whole.session")[0] == 0
    codes = [adapt(noisy_results, "--task", 1, "--trials", 1)[0]] + [adapt("--trials", 1)[0] for _ in range(4)]
    assert codes == [75] * 4 + [0]
    rewards = []
    for name in ("whole.session", "a.session"):
        with SessionFile(tmp_path / name) as file:
            rewards.append(file.read().rewards)
    assert rewards[0] == rewards[1] and len(set(rewards[0])) > 1
    first, second = (dict(np.load(tmp_path / f"{name}.adapted.npz")) for name in ("whole", "a"))
    assert first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)
