"""Operators, samplers, policies and the like that are not as they should be are refused in one line, with the place."""

import re
import sys

import pytest

from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError

HEAD = """\
from dataclasses import dataclass
import numpy as np
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import AdaptationSettings, operator_setting

"""
OPERATOR = """\
@dataclass(frozen=True)
class Own(AdaptationSettings):
    operator: str = operator_setting("own")
    queries: int = setting(3, "tries", minimum=1)

    yields = 1
    queries_at_once = directions_at_once = rollouts = property(lambda self: self.queries)

    def pivot_last(self, step):
        return False

    def adapt(self, theta, normals):
        tries = theta[..., None] + normals(self.queries)
        rewards = yield tries
        return np.take_along_axis(tries, np.argmax(rewards, axis=-1)[None, ..., None], axis=-1)[..., 0]
"""
SAMPLER = """\
@dataclass(frozen=True)
class Own:
    uses_basis = False

    def check(self, dimension, count):
        pass

    def draw(self, generator, dimension, count):
        return generator.standard_normal((dimension, count))
"""
POLICY = """\
class Own:
    noise_per_step = 0

    def __init__(self, observation_size, action_size, hidden, activation, output):
        self.observation_size, self.size = observation_size, observation_size * action_size
        self.shape = observation_size, action_size

    def initial(self, generator, output_gain=1.0):
        return generator.standard_normal(self.size)

    def bind(self, parameters, mean, std, step=0):
        return Bound(parameters.reshape(*self.shape, -1))


class Bound:
    def __init__(self, weights):
        self.weights = weights

    def act(self, observations):
        return np.add.reduce(self.weights * observations[:, None], axis=0)
"""
DECODER = """\
@dataclass(frozen=True)
class Own:
    name, requires, any_rows = "own", (), True

    def fewest_rows(self, dimension):
        return 1

    def decode(self, directions, differences):
        return np.add.reduce(directions * differences, axis=1)
"""
OPTIMIZER = """\
class Own:
    def __init__(self, step_size):
        self.step_size = step_size

    def step(self, theta, gradient):
        return theta + self.step_size * gradient

    def to_arrays(self):
        return {}

    def restore(self, arrays):
        pass
"""
KEYS = {
    "adaptation.operator": OPERATOR,
    "adaptation.directions": SAMPLER,
    "meta.directions": SAMPLER,
    "policy.architecture": POLICY,
    "adaptation.decoder": DECODER,
    "meta.optimizer": OPTIMIZER,
}
# Key, what is replaced by what in its text, what is said.
WRONG = [
    ("adaptation.operator", "def pivot_last", "def other", r"class Own \(own_part\.py, line \d+\) has no 'pivot_last'"),
    ("adaptation.operator", "    yields = 1\n", "", r"\(own_part\.py, line \d+\): .*has no 'yields'|yields"),
    ("adaptation.operator", "yields = 1", "yields = 0", r"yields = 0; an integer >= 1 is wanted"),
    ("adaptation.operator", "yield tries\n", "yield tries[..., 0]\n", r"it yielded an array of shape.*queries\)"),
    ("adaptation.operator", "axis=-1)[..., 0]", "axis=-1)", r"it returned an array of shape"),
    ("adaptation.operator", "yield tries\n", "yield list(tries)\n", r"it yielded list; an array"),
    ("adaptation.operator", "normals(self.queries)", "normals(7)", r"draws 7 directions .* directions_at_once = 3"),
    ("adaptation.operator", "rewards = yield tries", "yield tries; rewards = yield tries", r"asks 2 times, for 6"),
    ("adaptation.operator", "rewards = yield tries", "rewards = yield tries[999]", r"IndexError.*own_part\.py, line"),
    ("adaptation.operator", "rewards = yield tries", "rewards = -tries[0]", r"adapt\(\) gave .*a generator"),
    ("adaptation.operator", "(AdaptationSettings)", "", r"not a dataclass that extends AdaptationSettings"),
    ("adaptation.directions", "def draw", "def drew", r"has no 'draw'"),
    ("adaptation.directions", "    uses_basis = False\n", "", r"has no 'uses_basis'"),
    ("adaptation.directions", "(dimension, count))", "(count, dimension))", r"draw\(\) gave an array of shape"),
    ("meta.directions", "(dimension, count))", "(dimension, 1))", r"draw\(\) gave an array of shape"),
    ("meta.directions", "@dataclass(frozen=True)\n", "", r"is no dataclass"),
    ("policy.architecture", "def bind", "def bound", r"class Own \(own_part\.py, line \d+\) has no 'bind'"),
    ("policy.architecture", "    noise_per_step = 0\n", "", r"has no 'noise_per_step'"),
    ("policy.architecture", "standard_normal(self.size)", "standard_normal(1)", r"initial\(\) gave an array of shape"),
    ("policy.architecture", "axis=0)\n", "axis=0)[0]\n", r"act\(\) gave an array of shape"),
    ("policy.architecture", "self.weights *", "self.weight *", r"it raised AttributeError.*own_part\.py, line"),
    ("policy.architecture", ", output):", "):", r"cannot be made of"),
    ("adaptation.decoder", ", axis=1)", ", axis=0)", r"decode\(\) gave an array of shape"),
    ("meta.optimizer", "theta + self.step_size * gradient", "None", r"step\(\) gave NoneType"),
    ("meta.optimizer", "def restore", "def other", r"has no 'restore'"),
]  # fmt: skip
DOUBTFUL = [
    ("adaptation.operator", "axis=-1)[..., 0]", "axis=-1)[..., 0] + theta[:, -1:]", "beside another"),
    ("adaptation.directions", "generator.standard_normal(", "np.random.standard_normal(", "cannot be repeated"),
    ("policy.architecture", "self.weights *", "observations.size * self.weights *", "the batch they are in"),
]  # fmt: skip


@pytest.fixture
def resolve(tmp_path, monkeypatch):
    """Gives a function that resolves a configuration with this text for the part that a key names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def resolved(key, text):
        (tmp_path / "own_part.py").write_text(HEAD + text)
        sizes = {} if key == "adaptation.operator" else {"queries": 3}
        return load({"adaptation": sizes}, [f"{key}=own_part:Own", "task.horizon=3"]).resolved()

    yield resolved
    sys.modules.pop("own_part", None)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_right_is_taken_without_a_word(key, resolve, capsys):
    section, name = key.split(".")
    assert getattr(getattr(resolve(key, KEYS[key]), section), name) == "own_part:Own"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("key", "old", "new", "said"), WRONG)
def test_what_is_wrong_is_one_line(key, old, new, said, resolve):
    assert old in KEYS[key]
    with pytest.raises(ConfigError) as error:
        resolve(key, KEYS[key].replace(old, new))
    message = str(error.value)
    assert "\n" not in message and message.startswith(f"{key} = 'own_part:Own'"), message
    assert re.search(said, message), message


@pytest.mark.parametrize(("key", "old", "new", "said"), DOUBTFUL)
def test_what_depends_on_the_batch_or_on_nothing_is_warned_of(key, old, new, said, resolve, capsys):
    assert old in KEYS[key]
    resolve(key, KEYS[key].replace(old, new))
    assert re.search(rf"^esmaml: {key} = 'own_part:Own' \(own_part\.py.*{said}", capsys.readouterr().err)
