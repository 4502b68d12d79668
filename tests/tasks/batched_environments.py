"""Environments of users' that are batches, or whose observations and actions have parts: each stands for a kind."""

from dataclasses import dataclass

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from esmaml_mpi import BatchedFamily
from esmaml_mpi.settings import setting


class Reach(gymnasium.Env):
    """A point on a line; reward minus the distance to the goal; over beyond ``edge``."""

    def __init__(self, goal=1.0, edge=1e9):
        self.goal, self.edge = goal, edge
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.goal = (options or {}).get("goal", self.goal)
        self.x, self.t = float(self.np_random.uniform(-0.1, 0.1)), 0
        return self.see(), {}

    def see(self):
        return np.array([self.x, self.t])

    def step(self, action):
        self.x += 0.1 * float(action[0])
        self.t += 1
        return self.see(), -abs(self.x - self.goal), bool(abs(self.x) > self.edge), False, {}


class Plane(Reach):
    """The goal is an array of two, and so are its whole numbers and a list."""

    def __init__(self):
        super().__init__()
        self.goal, self.gears, self.list = np.array([1.0, -1.0]), np.array([1, 2, 3]), [0.5, 0.5]

    def reset(self, *, seed=None, options=None):
        first = super().reset(seed=seed)
        assert np.shape(self.goal) == (2,) and self.gears.dtype == np.int64 and self.gears.shape == (3,)
        return first

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, -float(np.abs(self.x - self.goal).sum()), *rest


def several():
    """A vector environment of two."""
    return gymnasium.vector.SyncVectorEnv([Reach, Reach])


def many(num_envs, mode="NextStep", edge=1e9, **arguments):
    """One of as many as are asked for."""
    makers = [lambda: Reach(edge=edge, **arguments)] * num_envs
    return gymnasium.vector.SyncVectorEnv(makers, autoreset_mode=AutoresetMode(mode))


def limited(num_envs):
    """As many with a step limit of their own from a wrapper."""
    return gymnasium.vector.SyncVectorEnv([lambda: gymnasium.wrappers.TimeLimit(Reach(), 8)] * num_envs)


class Reaches(VectorEnv):
    """``Reach`` in NumPy, all at once, with goals that are attributes or options; a generator for each lane."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, num_envs, edge=1e9, goal=1.0, leaks=False):
        self.num_envs, self.edge, self.leaks = num_envs, edge, leaks
        self.goal = np.full(num_envs, goal)
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.single_action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        self.generators = [np.random.Generator(np.random.PCG64(each)) for each in seed]
        self.x = np.array([each.uniform(-0.1, 0.1) for each in self.generators])
        self.goal = np.array((options or {}).get("goal", self.goal))
        self.t = np.zeros(self.num_envs)
        return self.see(), {}

    def see(self):
        return np.stack([self.x - (self.x.mean() if self.leaks else 0.0), self.t], axis=1)

    def step(self, actions):
        self.x += 0.1 * actions[:, 0]
        self.t += 1
        none = np.zeros(self.num_envs, dtype=bool)
        return self.see(), -np.abs(self.x - self.goal), np.abs(self.x) > self.edge, none, {}


class OneGenerator(Reaches):
    """Its lanes share a generator, which takes one seed."""

    def reset(self, *, seed=None, options=None):
        VectorEnv.reset(self, seed=seed)
        return super().reset(seed=self.np_random.integers(1000, size=self.num_envs).tolist())


class Truncates(Reaches):
    """Has a limit of 8 steps that it tells nobody of; the first lane goes on."""

    def step(self, actions):
        observations, rewards, over, _, infos = super().step(actions)
        return observations, rewards, over, (self.t == 8) & (np.arange(self.num_envs) > 0), infos


@dataclass(frozen=True)
class ReachFamily(BatchedFamily):
    """``Reach`` as a family of its own."""

    edge: float = setting(1e9, "where it is over")

    observation_size = 2
    action_size = 1
    default_horizon = 20
    noise_size = 1
    action_low, action_high = -1.0, 1.0

    def task_parameters(self, task_id, generator):
        return generator.uniform(-1.0, 1.0, 1)

    def draw_noise(self, generator, episodes):
        return generator.uniform(-0.1, 0.1, (1, episodes))

    def begin(self, tasks, noise):
        return {"x": noise[0], "goal": tasks[0], "t": 0}

    def advance(self, state, actions):
        state.x += 0.1 * actions[0]
        state.t += 1
        return -np.abs(state.x - state.goal), np.abs(state.x) > self.edge

    def observe(self, state):
        return state.x, state.t


class Nested(Reach):
    """Observations in a Dict of Dicts, actions in a Dict with a Tuple in it."""

    def __init__(self):
        super().__init__()
        body = spaces.Dict({"place": spaces.Box(-9.0, 9.0, (1,), np.float64), "phase": spaces.Discrete(3, start=1)})
        self.observation_space = spaces.Dict({"body": body, "clock": spaces.Box(0.0, 99.0, (), np.float64)})
        gears = spaces.Tuple([spaces.Discrete(2, start=3), spaces.MultiBinary(1)])
        self.action_space = spaces.Dict({"push": spaces.Box(-2.0, 4.0, (1,), np.float64), "gears": gears})

    def see(self):
        return {"body": {"place": np.array([self.x]), "phase": 1 + self.t % 3}, "clock": np.array(float(self.t))}

    def step(self, action):
        assert action in self.action_space
        gear, (brake,) = action["gears"]
        observation, reward, *rest = super().step(action["push"] * (gear - 2))
        return observation, reward - 0.5 * brake, *rest


class Goal(Reach):
    """The observation of goal environments: what is seen, what is reached, what is wanted."""

    def __init__(self, goal=1.0):
        super().__init__(goal)
        part = spaces.Box(-9.0, 9.0, (1,), np.float64)
        self.observation_space = spaces.Dict({"observation": part, "achieved_goal": part, "desired_goal": part})

    def see(self):
        return {
            "observation": np.array([self.t / 9.0]),
            "achieved_goal": np.array([self.x]),
            "desired_goal": np.array([self.goal]),
        }


class Masked(Reach):
    """Three choices, of which the one that was taken last is forbidden; none is left at ``none_at``."""

    def __init__(self, none_at=-1):
        super().__init__()
        self.action_space, self.none_at = spaces.Discrete(3), none_at

    def info(self):
        mask = np.ones(3, np.int8)
        mask[slice(None) if self.t == self.none_at else self.last] = 0
        return {"action_mask": mask}

    def reset(self, *, seed=None, options=None):
        self.last = 0
        return super().reset(seed=seed)[0], self.info()

    def step(self, action):
        assert action != self.last, "a masked action was taken"
        self.last = int(action)
        observation, *rest, _ = super().step([float(action) - 1.0])
        return observation, *rest, self.info()


def masked_lanes(num_envs):
    """The same, as a vector environment."""
    return gymnasium.vector.SyncVectorEnv([Masked] * num_envs)


class Everything(Reach):
    """Goals in a Dict of Dicts, actions of several parts, and masks of the first: what was chosen last is forbidden."""

    def __init__(self):
        super().__init__()
        part = spaces.Box(-9.0, 9.0, (1,), np.float64)
        goals = spaces.Dict({"achieved_goal": part, "desired_goal": part})
        self.observation_space = spaces.Dict({"goals": goals, "gear": spaces.Discrete(3)})
        self.action_space = spaces.Dict({"gear": spaces.Discrete(3), "push": spaces.Box(-1.0, 1.0, (1,), np.float64)})

    def see(self):
        goals = {"achieved_goal": np.array([self.x]), "desired_goal": np.array([float(self.goal)])}
        return {"goals": goals, "gear": self.gear}

    def info(self):
        return {"action_mask": {"gear": np.array([self.gear != i for i in range(3)], np.int8)}}

    def reset(self, *, seed=None, options=None):
        self.gear = 0
        return super().reset(seed=seed)[0], self.info()

    def step(self, action):
        assert action["gear"] != self.gear, "a masked action was taken"
        self.gear = int(action["gear"])
        observation, *rest, _ = super().step(action["push"] * (self.gear + 1.0))
        return observation, *rest, self.info()


def everything(num_envs):
    """The same, as a vector environment."""
    return gymnasium.vector.SyncVectorEnv([Everything] * num_envs)


class OldDrawing(Reach):
    """Its render is told how, as gym's was."""

    def render(self, mode="human"):
        return np.full((4, 6, 3), 7, np.uint8) if mode == "rgb_array" else None
