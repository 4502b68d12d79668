"""Recurrent policies in use: what they remember in MetaPolicy, in sessions, and in files for other programs."""

import ctypes
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from recurrent_policies import PlainRecurrent

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.rendering.requirement import need
from esmaml_mpi.tasks.interface import Interface
from esmaml_mpi.trained.policy_export import contents
from esmaml_mpi.trained.policy_file import read_policy
from esmaml_mpi.trained.portable_policy import PortablePolicy

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off", "-O2", "-shared", "-fPIC"]
CASES = {"gru": ("gru", (6,)), "gru and layers": ("gru", (4, 5)), "elman": ("elman", (5, 3))}
STEPS = 12
DOUBLES = ctypes.POINTER(ctypes.c_double)


@pytest.fixture(params=CASES)
def case(request):
    """A policy with random numbers, observations in a row, and its outputs as rollouts have them."""
    name, hidden = CASES[request.param]
    generator, network = np.random.default_rng(6), POLICIES.find(name)(3, 2, hidden)
    observer = Observer(generator.normal(size=3), generator.uniform(0.3, 2, 3))
    interface = Interface(3, 2, action_low=(-0.3, -1.0), action_high=(0.3, 2.0), actions_scaled=True)
    portable = PortablePolicy.of(network, generator.normal(size=network.size), observer, interface)
    observations = generator.normal(size=(STEPS, 3))
    bound = network.bind(np.repeat(portable.parameters[:, None], 2, axis=1), observer.mean, observer.std)
    outputs = np.array([bound.act(np.repeat(each[:, None], 2, axis=1))[:, 0].copy() for each in observations])
    return portable, observations, outputs


def scaled(portable, outputs):
    low, high = portable.action_bounds
    return low + (outputs + 1.0) * (0.5 * (high - low))


def written(portable, format, folder):
    for path, content in contents(portable, format, folder / f"p.{format}").items():
        path.write_bytes(content)
    card = json.loads((folder / f"p.{format}.json").read_text())["policy"]
    assert (card["architecture"], card["state_size"]) == (portable.network.architecture, portable.network.state_size)
    assert card["widths"] == [3, *portable.network.hidden, 2]
    return folder / f"p.{format}"


def test_c_has_the_bits_of_the_simulation(case, tmp_path):
    portable, observations, outputs = case
    source = written(portable, "c", tmp_path)
    compiler = shutil.which("gcc") or shutil.which("clang")
    subprocess.run([compiler, *STRICT, source, "-o", tmp_path / "p.so", "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "p.so"))
    for name, wanted in (("output", outputs), ("action", scaled(portable, outputs))):
        state, found = np.zeros(portable.network.state_size), np.empty_like(outputs)
        for observation, out in zip(observations, found, strict=True):
            getattr(library, f"p_{name}")(*(each.ctypes.data_as(DOUBLES) for each in (observation, state, out)))
        assert np.array_equal(found, wanted)
    assert f"#define P_STATE {portable.network.state_size} " in (tmp_path / "p.h").read_text()


def test_onnx_takes_and_gives_the_state(case, tmp_path):
    portable, observations, outputs = case
    session = onnxruntime.InferenceSession(str(written(portable, "onnx", tmp_path)), providers=["CPUExecutionProvider"])
    state = np.zeros((1, portable.network.state_size))
    for observation, wanted in zip(observations, outputs, strict=True):
        given = {"observation": observation[None], "state": state}
        output, action, state = session.run(["output", "action", "next_state"], given)
        np.testing.assert_allclose(output[0], wanted, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(action[0], scaled(portable, wanted), rtol=1e-11, atol=1e-12)


def test_archives_are_what_their_description_says(case, tmp_path):
    portable, observations, outputs = case
    path = written(portable, "npz", tmp_path)
    again = read_policy(path)
    assert again.network == portable.network and again.checksum == portable.checksum
    with np.load(path) as arrays:
        a = dict(arrays)
    h, found = np.zeros(int(a["state_size"])), []
    for observation in observations:
        x = (observation - a["observation_mean"]) / a["observation_std"]
        gates = np.concatenate([x, h]) @ a["cell_weights_0"] + a["cell_biases_0"]
        if str(a["architecture"]) == "elman":
            h = np.tanh(gates)
        else:
            z, r = np.split(1 / (1 + np.exp(-gates)), 2)
            c = np.tanh(np.concatenate([x, r * h]) @ a["cell_weights_1"] + a["cell_biases_1"])
            h = c + z * (h - c)
        y = h
        for i in range(int(a["layers"])):
            y = y @ a[f"weights_{i}"] + a[f"biases_{i}"]
            y = np.tanh(y) if i == int(a["layers"]) - 1 else np.maximum(y, 0)
        found.append(y)
    np.testing.assert_allclose(found, outputs, rtol=1e-11, atol=1e-12)
    damaged = {**a, "cell_weights_0": a["cell_weights_0"][:-1]}
    np.savez(tmp_path / "damaged.npz", **damaged)
    with pytest.raises(esmaml_mpi.errors.ResultsError, match=r"it has .* parameters, and a .* of widths"):
        read_policy(tmp_path / "damaged.npz")
    np.savez(tmp_path / "nameless.npz", **{key: value for key, value in a.items() if key != "architecture"})
    with pytest.raises(esmaml_mpi.errors.ResultsError, match="it has a state, and no architecture that remembers"):
        read_policy(tmp_path / "nameless.npz")


SETTINGS = {
    "task": {"name": "t_maze", "options": {"length": 2}},
    "policy": {"architecture": "gru", "hidden": [4]},
    "adaptation": {"operator": "hill_climbing", "queries": 2},
    "meta": {"iterations": 1, "perturbations": 4, "current_evaluations": 1},
    "test": {"repeats": 1},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("recurrent") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path)
    return path


def test_a_bound_policy_remembers_until_it_is_reset(trained):
    results = esmaml_mpi.read_results(trained)
    meta, (_, theta, mean, std) = esmaml_mpi.MetaPolicy(results), results.parameters()
    plain, bound = PlainRecurrent("gru", theta, 2, (4,), 2, mean, std), meta.bind(theta)
    seen = np.random.default_rng(2).normal(size=(5, 2))
    found = np.array([bound.act(each) for each in seen])
    np.testing.assert_allclose(found, [plain(each) for each in seen], rtol=1e-11)
    kept = bound.state
    np.testing.assert_allclose(kept, plain.h, rtol=1e-11)
    bound.reset()
    assert not bound.state.any() and np.array_equal([bound.act(each) for each in seen], found)
    other = meta.bind(theta)
    other.state = kept
    assert np.array_equal(other.act(seen[0]), bound.act(seen[0]))  # two bindings, each with its own state
    with pytest.raises(UsageError, match=r"state of shape \(3,\): \(4,\) is wanted"):
        other.state = np.zeros(3)
    with pytest.raises(UsageError, match=r"'gru': the policy remembers .* bound.reset\(\) where an episode begins"):
        meta.act(theta, seen[0])
    with pytest.raises(UsageError, match="does not see its rewards"):
        bound.tell(1.0)


def test_sessions_commands_and_the_driver_run_it_with_its_state(trained, tmp_path, capsys):
    session, driver = tmp_path / "s.h5", Path(__file__).parents[2] / "examples" / "robot_driver.py"
    program = tmp_path / "robot.py"
    program.write_text(
        f"import sys; sys.path.append({str(driver.parent)!r})\n"
        "import numpy as np\nfrom robot_driver import from_npz\nact = from_npz(sys.argv[1])\n"
        "print(sum(float(act(np.array([1.0 * (t == 0), 0.0]))[0]) for t in range(4)))\n"
    )
    command = f"{sys.executable} {program} {{policy}}"
    assert cli.main(["adapt", str(trained), "--session", str(session), "--command", command, "--seed", "3"]) == 0
    meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(trained))
    adaptation, rewards = meta.adaptation(seed=3), []
    while not adaptation.done:
        bound = meta.bind(adaptation.ask())
        rewards.append(sum(bound.act([1.0 * (t == 0), 0.0])[0] for t in range(4)))
        adaptation.tell(rewards[-1])
    with esmaml_mpi.Session.open(session) as opened:
        np.testing.assert_allclose([trial.reward for trial in opened.history], rewards, rtol=1e-9)
        assert np.array_equal(opened.best, adaptation.best)
    assert read_policy(tmp_path / "s.adapted.npz").network.architecture == "gru"


def test_evaluations_and_a_simulated_session_agree(trained, tmp_path, capsys):
    assert cli.main(["adapt", str(trained), "--session", str(tmp_path / "s.h5"), "--task", "1", "--seed", "2"]) == 0
    said = capsys.readouterr().out
    out = tmp_path / "e.json"
    arguments = ["--tasks", "1", "--seed", "2", "--repeats", "1", "--json", str(out)]
    assert cli.main(["evaluate", str(trained), *arguments]) == 0
    found = json.loads(out.read_text())
    assert f"reward {found['before'][0][0]:.2f} before" in said and f"{found['after'][0][0]:.2f} after" in said


def test_no_file_describes_what_it_cannot(trained, monkeypatch):
    monkeypatch.setitem(POLICIES, "mine", "recurrent_policies:WithState")
    policy = POLICIES.find("mine")(2, 2)
    for made in (policy, type("Mine", (POLICIES.find("mlp"),), {})(2, 2)):
        with pytest.raises(
            UsageError, match=f"this policy is a {type(made).__name__}, whose .* describes mlp, gru, elman alone"
        ):
            PortablePolicy.of(made, np.zeros(made.size), Observer(np.zeros(2), np.ones(2)))


@pytest.mark.parametrize("algorithm", ["pg_maml", "e_maml", "evo_maml"])
def test_policy_gradients_refuse_it(algorithm):
    changes = [f"meta.algorithm={algorithm}", "policy.architecture=gru"]
    with pytest.raises(
        esmaml_mpi.errors.ConfigError, match=f"'gru': meta.algorithm = '{algorithm}' makes a policy that"
    ):
        esmaml_mpi.load_config({}, changes).resolved()


def test_it_is_drawn_with_its_state(tmp_path):
    need("PIL")
    settings = {**SETTINGS, "adaptation": {"operator": "recurrent", "episodes": 2}}
    path = tmp_path / "run.h5"
    esmaml_mpi.train(settings, output=path)
    out = tmp_path / "e.json"
    assert cli.main(["evaluate", str(path), "--tasks", "1", "--seed", "2", "--repeats", "1", "--json", str(out)]) == 0
    from esmaml_mpi.rendering.pair import Pair
    from esmaml_mpi.trained.from_file import find_trained

    *_, last = Pair(find_trained(path, "last", (), 2), 1, 2).play()
    assert last.returns[1] == json.loads(out.read_text())["after"][0][0]
    arguments = [
        "render",
        str(path),
        "--output",
        str(tmp_path / "v.gif"),
        "--task",
        "1",
        "--width",
        "200",
        "--height",
        "200",
    ]
    assert cli.main(arguments) == 0
