"""``esmaml export --policy``: each format does what the policy does in the simulation, and says where it is from."""

import ctypes
import json
import shutil
import subprocess

import numpy as np
import onnxruntime
import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import FEWEST
from esmaml_mpi.tasks.gymnasium_bridge.spaces import actions_of
from esmaml_mpi.tasks.interface import Interface
from esmaml_mpi.trained.c_source import identifier
from esmaml_mpi.trained.policy_export import contents
from esmaml_mpi.trained.policy_file import read_policy
from esmaml_mpi.trained.portable_policy import PortablePolicy

OBSERVATIONS = 10_000
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off", "-O2", "-shared", "-fPIC"]
NETWORKS = {
    "linear": Policy(5, 3),
    "one observation": Policy(1, 1, (), "relu", "identity"),
    "relu": Policy(14, 12, (32,), "relu", "tanh"),
    "tanh": Policy(4, 2, (8, 7), "tanh", "identity"),
}
INTERFACES = {
    "unbounded": lambda n, m: Interface(n, m),
    "clipped": lambda n, m: Interface(
        n, m, action_low=(-0.25,) * m, action_high=(*(np.inf,) * (m - 1), 0.5), rate=50.0
    ),
    "scaled": lambda n, m: Interface(
        n,
        m,
        tuple(f'"{i}" ??/ \\ \u03c6 (rad) */' for i in range(n)),
        tuple(f"motor {i}" for i in range(m)),
        (-2.0,) * m,
        (*(3.0,) * (m - 1), np.inf),
        actions_scaled=True,
        rate=1 / 0.006,
    ),
}


def made(network, interface):
    """A policy with random numbers, and observations of which some are far out."""
    generator = np.random.default_rng(network.size)
    n = network.observation_size
    observer = Observer(generator.normal(size=n), generator.uniform(0.2, 2.0, n))
    parameters = generator.normal(size=network.size)
    observations = generator.normal(size=(OBSERVATIONS, n)) * np.exp(generator.normal(size=(OBSERVATIONS, 1)) * 2)
    portable = PortablePolicy.of(network, parameters, observer, INTERFACES[interface](n, network.action_size))
    return portable, observations


def simulated(portable, observations):
    """Outputs (batch, m) as rollouts have them."""
    batch = np.repeat(portable.parameters[:, None], len(observations), axis=1)
    bound = portable.network.bind(batch, portable.observer.mean, portable.observer.std)
    return bound.act(np.ascontiguousarray(observations.T)).T.copy()


def actions(portable, outputs):
    """As the bridge to Gymnasium makes them of outputs."""
    from gymnasium.spaces import Box

    low, high = portable.action_bounds
    return actions_of(Box(low, high, dtype=np.float64), portable.interface.actions_scaled)(outputs.T)


@pytest.fixture(params=[(a, b) for a in NETWORKS for b in INTERFACES], ids=" ".join)
def case(request):
    return made(NETWORKS[request.param[0]], request.param[1])


@pytest.mark.parametrize("compiler", COMPILERS)
def test_c_has_the_bits_of_the_simulation(case, compiler, tmp_path):
    portable, observations = case
    for path, content in contents(portable, "c", tmp_path / "my policy.c").items():
        path.write_bytes(content)
    subprocess.run([compiler, *STRICT, tmp_path / "my policy.c", "-o", tmp_path / "p.so", "-lm"], check=True)
    library, doubles = ctypes.CDLL(str(tmp_path / "p.so")), ctypes.POINTER(ctypes.c_double)
    expected = simulated(portable, observations)
    for name, wanted in (("output", expected), ("action", actions(portable, expected))):
        function, found = getattr(library, f"my_policy_{name}"), np.empty_like(expected)
        for observation, out in zip(observations, found, strict=True):
            function(observation.ctypes.data_as(doubles), out.ctypes.data_as(doubles))
        assert np.array_equal(found, wanted)
    assert np.abs(expected).max() > 0.9 and np.abs(expected).min() < 0.1
    for kind in ("observation", "action"):
        words = getattr(portable.interface, f"{kind}_names")
        if words:
            table = (ctypes.c_char_p * len(words)).in_dll(library, f"my_policy_{kind}_names")
            assert tuple(word.decode() for word in table) == words


def test_c_passes_on_what_is_no_number(tmp_path):
    portable, _ = made(NETWORKS["relu"], "clipped")
    for path, content in contents(portable, "c", tmp_path / "p.c").items():
        path.write_bytes(content)
    subprocess.run([COMPILERS[0], *STRICT, tmp_path / "p.c", "-o", tmp_path / "p.so", "-lm"], check=True)
    observation, action = np.full(14, np.nan), np.zeros(12)
    doubles = ctypes.POINTER(ctypes.c_double)
    ctypes.CDLL(str(tmp_path / "p.so")).p_action(observation.ctypes.data_as(doubles), action.ctypes.data_as(doubles))
    assert np.isnan(action).all() and np.isnan(simulated(portable, np.tile(observation, (FEWEST, 1)))).all()


def test_onnx_agrees_to_rounding(case, tmp_path):
    portable, observations = case
    files = contents(portable, "onnx", tmp_path / "p.onnx")
    model, card = files[tmp_path / "p.onnx"], files[tmp_path / "p.onnx.json"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = session.run(["output", "action"], {"observation": observations})
    expected = simulated(portable, observations)
    for one, wanted in zip(found, (expected, actions(portable, expected)), strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-11, atol=1e-11)
    assert json.loads(session.get_modelmeta().custom_metadata_map["card"]) == json.loads(card)


def test_an_archive_is_read_back_as_it_was(case, tmp_path):
    portable, _ = case
    (tmp_path / "p.npz").write_bytes(contents(portable, "npz", tmp_path / "p.npz")[tmp_path / "p.npz"])
    again = read_policy(tmp_path / "p.npz")
    assert again.checksum == portable.checksum and again.network == portable.network
    assert np.array_equal(again.observer.mean, portable.observer.mean)
    assert np.array_equal(again.action_bounds, portable.action_bounds)
    assert np.array_equal(again.scaled_actions, portable.scaled_actions)
    for name in ("observation_names", "action_names", "rate"):
        assert getattr(again.interface, name) == getattr(portable.interface, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("quad", "quad"),
        ("quad.policy", "quad_policy"),
        ("2nd-try", "policy_2nd_try"),
        ("_x", "policy_x"),
        ("", "policy_"),
        ("größe", "gru00f6u00dfe"),
        ("\U0001f916", "u1f916"),
    ],
)
def test_names_become_identifiers(text, name):
    assert identifier(text) == name


SETTINGS = {
    "task": {"name": "cartpole_sensor_bias", "horizon": 10},
    "policy": {"hidden": [4]},
    "adaptation": {"operator": "hill_climbing", "queries": 3},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 1},
    "test": {"every": 1, "repeats": 2},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path)
    return path


def test_a_card_says_where_it_is_from(run, tmp_path):
    assert cli.main(["export", str(run), "--policy", "c", "--at", "1", "--output", str(tmp_path / "a/robot.c")]) == 0
    card, results = json.loads((tmp_path / "a/robot.c.json").read_text()), esmaml_mpi.read_results(run)
    assert card["files"] == ["robot.h", "robot.c"] and (tmp_path / "a/robot.h").exists()
    assert card["policy"]["widths"] == [4, 4, 1] and card["policy"]["parameters"] == 25
    origin, row = card["origin"], results.history["test"]["iteration"].tolist().index(1)
    assert origin["kind"] == "meta-policy" and origin["source"] == "run.h5" and origin["iteration"] == 1
    assert origin["config"] == results.config.to_dict()
    assert origin["scores"]["after"] == results.history["test"]["after"][row].mean(axis=1).tolist()
    assert "host" not in origin["made_by"] and "command" not in origin["made_by"]


def test_sessions_and_their_policies_are_exported(run, tmp_path, capsys):
    session = tmp_path / "s.h5"
    assert cli.main(["adapt", str(run), "--session", str(session), "--task", "3", "--seed", "5"]) == 0
    for source in (session, tmp_path / "s.adapted.npz"):
        assert cli.main(["export", str(source), "--policy", "npz"]) == 0
    one, two = (read_policy(tmp_path / name) for name in ("s.policy.npz", "s.adapted.policy.npz"))
    with esmaml_mpi.Session.open(session) as opened:
        assert np.array_equal(one.parameters, opened.best) and np.array_equal(two.parameters, opened.best)
        rewards = [trial.reward for trial in opened.history]
    assert one.origin == two.origin and one.origin["kind"] == "adapted policy"
    assert one.origin["adaptation"] == {"task": 3, "seed": 5, "rewards": rewards}
    assert one.interface == two.interface


def test_what_is_refused_writes_nothing(run, tmp_path, capsys):
    out = tmp_path / "p.npz"
    assert cli.main(["export", str(run), "--policy", "npz", "--output", str(out)]) == 0
    before = out.read_bytes()
    for arguments, words in (
        ([run, "--policy", "npz", "--output", out], "exists. Replace it with --overwrite"),
        ([run, run, "--policy", "npz"], "one file is wanted, not 2"),
        ([run, "--policy", "c", "--output", out], "a plain name that ends with .c is wanted"),
        ([run, "--policy", "npz", "--csv", tmp_path], "--policy goes without"),
        ([run, "--csv", tmp_path / "t", "--at", "1"], "--at belongs to --policy"),
        ([out, "--policy", "c", "--at", "1"], "is a policy, which has no iterations"),
        ([run, "--policy", "c", "--at", "77", "--output", tmp_path / "q.c"], "no parameters of iteration 77"),
        ([tmp_path / "none.h5", "--policy", "c"], "does not exist"),
    ):
        assert cli.main(["export", *map(str, arguments)]) != 0
        assert words in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["p.npz", "p.npz.json"]
    assert cli.main(["export", str(run), "--policy", "npz", "--at", "1", "--output", str(out), "--overwrite"]) == 0
    assert out.read_bytes() != before


def test_a_damaged_archive_is_refused(run, tmp_path, capsys):
    out = tmp_path / "p.npz"
    assert cli.main(["export", str(run), "--policy", "npz", "--output", str(out)]) == 0
    arrays = dict(np.load(out))
    for name, value in (("weights_0", np.ones((4, 3))), ("biases_1", np.array([np.nan])), ("activation", "sin")):
        np.savez(out, **{**arrays, name: value})
        assert cli.main(["export", str(out), "--policy", "c"]) == 1
        assert "not as a policy that esmaml_mpi has written should be" in capsys.readouterr().err
