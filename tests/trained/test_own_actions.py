"""MetaPolicy.action gives what the environment takes, from a results file, a session or a policy file alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.errors import UsageError

pytest.importorskip("gymnasium")
ROOT = Path(__file__).parents[2]
SMALL = {
    "task": {"name": "gymnasium", "horizon": 6, "train_size": 1},
    "policy": {"hidden": []},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "adaptation": {"queries": 2},
    "test": {"repeats": 1},
}
# In a process that has no Gymnasium: the action on one observation, from all three kinds of file.
USE = """\
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "gymnasium":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from pathlib import Path
import numpy as np
import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.trained.policy_file import read_policy
meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(sys.argv[1]))
assert main(["export", sys.argv[1], "--policy", "npz", "--output", "p.npz"]) == 0
with esmaml_mpi.Session.create("s.h5", sys.argv[1]) as session:
    session.write_best(Path("best.npz"))
seen = {"body": {"place": np.array([0.25]), "phase": 2}, "clock": np.array(3.0)}
actions = [meta.action(meta.theta, seen), meta.bind(meta.theta).action(seen)]
actions += [read_policy(path).action(seen) for path in ("p.npz", "best.npz")]
print([(float(a["push"][0]), int(a["gears"][0]), a["gears"][1].tolist()) for a in actions])
"""


def trained(environment, folder=None, **options):
    task = {**SMALL["task"], "options": {"environment": f"batched_environments:{environment}", **options}}
    return esmaml_mpi.train({**SMALL, "task": task}, output=folder / "run.h5" if folder else None)


@pytest.fixture(autouse=True)
def found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests/tasks")


def outputs(results, vector):
    """Of a linear policy, in NumPy."""
    _, theta, mean, std = results.parameters("last")
    layer = theta.reshape(len(vector) + 1, -1)
    return np.tanh((vector - mean) / std @ layer[:-1] + layer[-1])


def test_an_action_of_parts_without_gymnasium(tmp_path):
    results = trained("Nested", tmp_path)
    # As Gymnasium flattens it: phase 2 of 1, 2, 3, then place, then clock; keys in the order of the alphabet.
    gear, other, brake, push = outputs(results, np.array([0.0, 1.0, 0.0, 0.25, 3.0]))
    expected = (-2.0 + (push + 1.0) * 3.0, 3 + int(other > gear), [int(brake > 0)])
    done = subprocess.run(
        [sys.executable, "-c", USE, str(results.path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = eval(done.stdout.splitlines()[-1])
    assert len(found) == 4 and all(each == found[0] for each in found)
    assert found[0] == (pytest.approx(expected[0]), *expected[1:])


def test_masked_choices_and_refusals():
    meta = esmaml_mpi.MetaPolicy(trained("Masked"))
    seen = np.array([0.3, 2.0])
    order = np.argsort(-meta.act(meta.theta, seen))
    assert meta.action(meta.theta, seen) == order[0]
    mask = np.ones(3, np.int8)
    mask[order[0]] = 0
    assert meta.action(meta.theta, seen, mask) == order[1]
    with pytest.raises(UsageError, match="action_mask allows none of 3 choices"):
        meta.action(meta.theta, seen, np.zeros(3))
    with pytest.raises(UsageError, match=r"action_mask .* of shape \(2,\); one for each of 3 choices is wanted"):
        meta.action(meta.theta, seen, np.ones(2))
    with pytest.raises(UsageError, match=r"observation = .*'kind': |observation = .*box.* is wanted"):
        meta.action(meta.theta, {"x": 1.0})


def test_bounds_and_families_of_the_package():
    results = trained("Reach")
    meta, seen = esmaml_mpi.MetaPolicy(results), [0.5, 1.0]
    action = meta.action(meta.theta, seen)
    assert action.shape == (1,) and action[0] == pytest.approx(np.clip(outputs(results, np.array(seen)), -1, 1)[0])
    ours = esmaml_mpi.train({**SMALL, "task": {"name": "navigation_2d", "horizon": 3}})
    meta = esmaml_mpi.MetaPolicy(ours)
    assert np.array_equal(meta.action(meta.theta, seen), np.clip(meta.act(meta.theta, seen), -0.1, 0.1))
    with pytest.raises(UsageError, match=r"mask = .*these actions are no choices"):
        meta.action(meta.theta, seen, np.ones(2))
