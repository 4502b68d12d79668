"""Environments such as users have: Gymnasium's, in the style of the older gym, and such as cannot be used."""

import os
from types import SimpleNamespace

import gymnasium
import numpy as np
from gymnasium import spaces

from esmaml_mpi.tasks import make_family

WALK = "own_environments:Walk"


def family_of(environment=WALK, horizon=20, **options):
    """The family of an environment below, or of a registered one."""
    return make_family("gymnasium", horizon, {"environment": environment, **options})


class Walk(gymnasium.Env):
    """x += gain * action + drift from a random start; reward -x^2; over beyond ``edge``. Counts its instances."""

    made = 0

    def __init__(self, gain=1.0, edge=1e9, action_high=2.0, fail_beyond=np.inf, render_mode=None):
        type(self).made += 1
        self.gain, self.edge, self.fail_beyond, self.render_mode = gain, edge, fail_beyond, render_mode
        self.body = SimpleNamespace(drift=0.0, offset=np.zeros(2))
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = spaces.Box(-1.0, action_high, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.push = (options or {}).get("push", 0.0)
        self.x, self.steps = self.np_random.uniform(-0.5, 0.5), 0
        return self._seen(), {}

    def step(self, action):
        assert action in self.action_space
        self.steps += 1
        if self.steps > 5 and self.x > self.fail_beyond:
            raise ArithmeticError("on purpose")
        self.x += self.gain * action[0] + self.body.drift + self.push
        return self._seen(), -(self.x**2), bool(abs(self.x) > self.edge), False, {}

    def render(self):
        return np.full((4, 6, 3), self.steps, np.uint8) if self.render_mode else None

    def _seen(self):
        return np.array([self.x, self.steps]) + self.body.offset


class Parts(gymnasium.Env):
    """A Dict of observations, and actions of several choices, the first of which starts at 3."""

    def __init__(self):
        self.observation_space = spaces.Dict(
            {"place": spaces.Discrete(3, start=1), "speed": spaces.Box(-1.0, 1.0, (1, 2), np.float32)}
        )
        self.action_space = spaces.MultiDiscrete([2, 3], start=[3, 0])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return {"place": 2, "speed": np.array([[0.25, -0.5]], np.float32)}, {}

    def step(self, action):
        assert action in self.action_space
        return self.reset()[0], float(action[0] + 10 * action[1]), False, False, {}


class OldSpace:
    """A space of no library."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Old:
    """In the style of gym 0.21, from no library: no base class, seed(), four values, a time limit that says done."""

    def __init__(self, limit=1000):
        self.observation_space = OldSpace(low=np.full(1, -9.0), high=np.full(1, 9.0), shape=(1,), dtype=np.float32)
        self.action_space = OldSpace(n=2)
        self.limit = limit

    def seed(self, seed=None):
        self.random = np.random.RandomState(seed)
        return [seed]

    def reset(self):
        self.x, self.steps = self.random.uniform(-1.0, 1.0), 0
        return np.array([self.x], np.float32)

    def step(self, action):
        assert action in (0, 1)
        self.x += 0.5 * (2 * action - 1)
        self.steps += 1
        late = self.steps >= self.limit
        return np.array([self.x], np.float32), -abs(self.x), late, {"TimeLimit.truncated": True} if late else {}


class ThreeValues(Old):
    """Its step gives three values."""

    def step(self, action):
        return super().step(action)[:3]


class Sequences(Walk):
    """Observations of no fixed size."""

    def __init__(self):
        super().__init__()
        self.observation_space = spaces.Sequence(spaces.Discrete(2))


class TextActions(Walk):
    """Actions that no policy here has."""

    def __init__(self):
        super().__init__()
        self.action_space = spaces.Text(3)


class Wider(Walk):
    """Its observations grow with the task."""

    def __init__(self, width=1):
        super().__init__()
        self.observation_space = spaces.Box(-1.0, 1.0, (width,), np.float64)


def limited(**arguments):
    """A function that makes one with a step limit of its own."""
    return gymnasium.make("Pendulum-v1", max_episode_steps=11, **arguments)


gymnasium.register("Walk-v3", Walk, max_episode_steps=25)


class Gives(Walk):
    """Gives what it is told to: observations of ``observed`` numbers, a reward, or None for a step."""

    def __init__(self, observed=2, reward=1.5, step=True):
        super().__init__()
        self.observed, self.reward, self.gives_step = observed, reward, step

    def _seen(self):
        return np.zeros(self.observed)

    def step(self, action):
        return (self._seen(), self.reward, False, False, {}) if self.gives_step else None


class Unseeded(Walk):
    """Draws, in the method that it is told, from a generator that nobody seeds; or counts its resets."""

    generator = np.random.default_rng()

    def __init__(self, where="reset"):
        super().__init__()
        self.where, self.resets = where, 0

    def reset(self, *, seed=None, options=None):
        self.resets += 1
        _, info = super().reset(seed=seed)
        self.x += self.generator.normal() if self.where == "reset" else self.resets if self.where == "kept" else 0.0
        return self._seen(), info

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + (self.generator.normal() if self.where == "reward" else 0.0), *rest


class Wanders(Walk):
    """Goes to another folder, as some do for the files that they need."""

    def __init__(self, folder="/"):
        super().__init__()
        os.chdir(folder)


class Reaches(Walk):
    """A success in the steps in which x is within 0.5 of ``goal``; says so under a name, or says nothing."""

    def __init__(self, goal=1.0, name="success"):
        super().__init__(gain=0.5, action_high=1.0)
        self.goal, self.name = goal, name

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, {**info, self.name: abs(self.x - self.goal) < 0.5}


def several(num_envs=1, mode="NextStep", **arguments):
    """Reaches side by side, ended and started anew as ``mode`` says."""
    makers = [lambda: EndingReaches(**arguments)] * num_envs
    return gymnasium.vector.SyncVectorEnv(makers, autoreset_mode=gymnasium.vector.AutoresetMode(mode))


class EndingReaches(Reaches):
    """Over at the goal; a success is then said in the last step alone."""

    def step(self, action):
        observation, reward, _, truncated, info = super().step(action)
        return observation, reward, bool(info[self.name]), truncated, info
