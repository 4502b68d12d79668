"""Task families that break the contract of ``esmaml_mpi.tasks.family`` in one way each.

Registered as ``families:Broken``; the option ``fault`` says how.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.four_corners import FourCorners
from esmaml_mpi.tasks.point import PointSimulation

FAULTS = (
    "none",
    "observations of three rows",
    "observations of one row",
    "observations returned",
    "rewards of three dimensions",
    "rewards too short",
    "one reward",
    "rewards of text",
    "rewards alone",
    "ends of numbers",
    "ends too short",
    "not a number",
    "infinite",
    "raise",
    "raise in reset",
    "task parameters of changing size",
    "task parameters of two dimensions",
    "task parameters of text",
    "task parameters raise",
    "noise of another shape",
    "noise raises",
    "changing size",
)


@dataclass(frozen=True)
class Broken(FourCorners):
    """Four corners with a fault."""

    fault: str = setting("none", "what is wrong with it", choices=FAULTS)

    name = "broken"
    task_count = None

    @property
    def observation_size(self):
        self.__dict__["asked"] = self.__dict__.get("asked", 0) + 1
        return 3 if self.fault == "changing size" and self.asked > 12 else 2

    @property
    def noise_size(self):
        return 2 if self.fault.startswith("noise") else 0

    def draw_noise(self, generator, episodes):
        if self.fault == "noise raises":
            raise ValueError("on purpose")
        return generator.uniform(size=episodes)

    def task_parameters(self, task_id, generator):
        if self.fault == "task parameters raise" and task_id > 0:
            raise ValueError("on purpose")
        if self.fault == "task parameters of two dimensions":
            return np.zeros((2, 2))
        if self.fault == "task parameters of text":
            return ["left", "right"]
        return np.zeros(3 if self.fault == "task parameters of changing size" and task_id > 0 else 2)

    def simulation(self, tasks, noise, workspace):
        return BrokenSimulation(self, None, workspace)


class BrokenSimulation(PointSimulation):
    def reset(self, observation):
        if self.family.fault == "raise in reset":
            raise ValueError("on purpose")
        super().reset(observation)

    def step(self, actions, observation):
        if self.family.fault == "observations of three rows":
            observation[...] = np.zeros((3, observation.shape[1]))
        elif self.family.fault == "observations of one row":
            observation[0] = 0.0
        elif self.family.fault == "observations returned":
            return np.zeros_like(observation)
        else:
            super().step(actions, observation)

    def rewards(self, observations, tasks):
        shape, fault = (len(observations) - 1, observations.shape[-1]), self.family.fault
        if fault == "raise":
            raise ValueError("on purpose")
        return {
            "rewards of three dimensions": (np.zeros((*shape, 1)), None),
            "rewards too short": (np.zeros((shape[0] - 1, shape[1])), None),
            "one reward": (0.0, None),
            "rewards of text": (np.full(shape, "much"), None),
            "rewards alone": np.zeros(shape),
            "ends of numbers": (np.zeros(shape), np.full(shape, 2.5)),
            "ends too short": (np.zeros(shape), np.full(shape[1], True)),
            "not a number": (np.full(shape, np.nan), None),
            "infinite": (np.full(shape, np.inf), None),
        }.get(fault, (np.zeros(shape), None))


@dataclass(frozen=True)
class NoSizes:
    """A family without observation_size and the rest."""

    horizon: int = 10

    name = "broken"
    default_horizon = 10
    presets = {}  # noqa: RUF012


@dataclass(frozen=True)
class WrongSize(FourCorners):
    """A size that is none."""

    name = "broken"
    observation_size = 2.0


@dataclass(frozen=True)
class Unmakeable(FourCorners):
    """Raises when it is made, as where a file is missing."""

    name = "broken"

    def __post_init__(self):
        raise FileNotFoundError(2, "No such file or directory", "ant.xml")


class NoDataclass:
    """Not a dataclass."""


a_function = len


@dataclass(frozen=True)
class Wider(FourCorners):
    """Four corners after its author has added an observation."""

    observation_size = 3

    def simulation(self, tasks, noise, workspace):
        return WiderSimulation(self, noise, workspace)


class WiderSimulation(PointSimulation):
    def reset(self, observation):
        observation[2] = 1.0
        super().reset(observation[:2])

    def step(self, actions, observation):
        observation[2] = 1.0
        super().step(actions, observation[:2])

    def rewards(self, observations, tasks):
        return super().rewards(observations[:, :2], tasks)
