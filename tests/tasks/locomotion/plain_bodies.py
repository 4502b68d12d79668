"""Locomotion once more, from the published formulas: one episode and one mj_step at a time.

Nothing here uses the package. Velocities and positions are those of the torso, as tuples (x,) or (x, y).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import mujoco
import numpy as np

ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"


def load(file, timestep=None):
    model = mujoco.MjModel.from_xml_path(str(ASSETS / file))
    model.opt.timestep = timestep or model.opt.timestep
    return model


# Main terms, of velocity and position after the step and of the task's parameters.


def signed(velocity, position, task):
    return task[0] * velocity[0]


def at_speed(velocity, position, task):
    return -abs(velocity[0] - task[0])


def towards(velocity, position, task):
    return velocity[0] * task[0] + velocity[1] * task[1]


def near_place(velocity, position, task):
    return -abs(position[0] - task[0]) - abs(position[1] - task[1])


def forward(velocity, position, task):
    return velocity[0]


def walker_stands(qpos):
    return 0.8 < qpos[1] < 2.0 and abs(qpos[2]) < 1.0


def ant_stands(low, high=1.0):
    return lambda qpos: low <= qpos[2] <= high


@dataclass(frozen=True)
class Definition:
    """A published task. ``file`` names the body, ``skip`` says how many simulator steps an action lasts."""

    file: str
    main: Callable
    skip: int
    weight: float = 1.0
    control: float = 0.0
    contact: float = 0.0
    bonus: float = 0.0
    bonus_when_fallen: bool = True
    stands: Callable = lambda qpos: True
    parts: tuple[str, ...] = ()  # observed beside joint positions and velocities
    model_of: Callable | None = None  # a task's own model

    @property
    def plane(self):
        """How many horizontal coordinates the body has."""
        return {"half_cheetah.xml": 1, "walker2d_v5.xml": 1, "swimmer.xml": 2, "ant.xml": 2}[self.file]

    def place(self, data):
        """Ant's from the Cartesian position of its torso, which mj_step leaves one substep behind."""
        return np.array((data.xpos[1] if self.file == "ant.xml" else data.qpos)[: self.plane])

    def observe(self, data):
        mujoco.mj_rnePostConstraint(data.model, data)
        most = 10.0 if self.file == "walker2d_v5.xml" else np.inf
        every = {
            "contacts": np.clip(data.cfrc_ext[1:], -1.0, 1.0).ravel(),
            "torso": data.xpos[1],
            "rotation": data.xmat[1],
        }
        start = 0 if "plane" in self.parts else self.plane
        chosen = [every[part] for part in every if part in self.parts]
        return np.concatenate([data.qpos[start:], np.clip(data.qvel, -most, most), *chosen])

    def reward(self, action, data, before, seconds, task):
        after = self.place(data)
        mujoco.mj_rnePostConstraint(data.model, data)
        total = self.weight * self.main((after - before) / seconds, after, task)
        total -= self.control * sum(a * a for a in action)
        total -= self.contact * np.sum(np.clip(data.cfrc_ext, -1.0, 1.0) ** 2)
        return total + (self.bonus if self.bonus_when_fallen or self.stands(data.qpos) else 0.0)


@dataclass
class Episode:
    """``observations`` (steps + 1, n) and ``rewards`` (steps,) up to the end, and whether it fell there."""

    observations: np.ndarray
    rewards: np.ndarray
    fell: bool

    @property
    def steps(self):
        return len(self.rewards)


def episode(definition, task, act, steps, offsets=None):
    """An episode of at most ``steps`` steps; ``act`` is asked for an action at each observation."""
    model = definition.model_of(task) if definition.model_of else load(definition.file)
    data = mujoco.MjData(model)
    if offsets is not None:
        data.qpos += offsets[: model.nq]
        data.qvel += offsets[model.nq :]
    mujoco.mj_forward(model, data)
    observations, rewards, fell = [definition.observe(data)], [], False
    while len(rewards) < steps and not fell:
        before = definition.place(data)
        data.ctrl = np.clip(act(observations[-1]), -1.0, 1.0)
        mujoco.mj_step(model, data, definition.skip)
        rewards.append(
            definition.reward(data.ctrl, data, before, model.opt.timestep * definition.skip, task),
        )
        observations.append(definition.observe(data))
        fell = not definition.stands(data.qpos)
    return Episode(np.array(observations), np.array(rewards), fell)
