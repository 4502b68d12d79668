"""What all locomotion families share: bodies, options, observations and rewards.

A step's reward is main_weight x main term + bonus - control_cost x sum a^2 - contact_cost x sum clip(contact force)^2,
with the action a within the motor range +-1. Definitions follow ProMP (Rothfuss et al. 2019), which the paper's policy
gradient baseline shares. Variants: paper is the paper's choice, with deterministic starts as in its released rollouts;
the others are named after the code they follow (promp, finn's maml_rl, oyster, garage) on Gymnasium's bodies, and
gymnasium has the rewards and starts of Gymnasium's own environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import mujoco
import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion import models
from esmaml_mpi.tasks.locomotion.simulation import BodySimulation
from esmaml_mpi.tasks.workspace import Workspace

# Starts of Gymnasium's environments, which ProMP and oyster share, and of rllab's.
UNIFORM_AND_NORMAL = dict(position_noise=0.1, velocity_noise_std=0.1)
RLLAB_START = dict(position_noise_std=0.01, velocity_noise_std=0.1)
LARGEST_CONTACT = 1.0  # contact forces are clipped to +- this, as in all published Ant tasks
LOWEST, HIGHEST = np.array(-1.0), np.array(1.0)  # of actions; as arrays, which NumPy need not make anew each time


def variants(*names: str) -> str:
    """The option that chooses among a family's ``presets``; the first is the default."""
    return setting(names[0], "preset of the other options", choices=names)


def frame_skip(steps: int) -> int:
    """The option of a body that has this many simulator steps per action."""
    return setting(steps, "simulator steps per action", minimum=1, maximum=1000)


@dataclass(frozen=True)
class Body:
    """A model and where its root is: ``plane`` horizontal coordinates come first in qpos."""

    file: str
    plane: int = 1  # 1: x; 2: x and y
    height: int | None = None  # index in qpos
    pitch: int | None = None
    largest_velocity: float = np.inf  # observed velocities are clipped to +- this
    # Velocity from the torso's Cartesian position, one substep behind, as published Ant tasks take it.
    from_torso: bool = False


@dataclass(frozen=True)
class LocomotionFamily:
    """Options of all bodies; families add the task, and ``main`` (see there)."""

    horizon: int = 200
    frame_skip: int = frame_skip(1)
    timestep: float = setting(0.0, "seconds of a simulator step; 0: the model's own", minimum=0, maximum=0.1)
    main_weight: float = setting(1.0, "weight of the task's own reward")
    control_cost: float = setting(0.0, "weight of the sum of squared actions", minimum=0)
    contact_cost: float = setting(
        0.0, "weight of the sum of squared contact forces, each clipped to +-1; not 0 takes twice the time", minimum=0
    )
    bonus: float = setting(0.0, "added at every step")
    bonus_when_fallen: bool = setting(True, "whether the step that ends an episode earns the bonus too")
    height_low: float = setting(-np.inf, "over when the torso is below this, metres; -inf: never", finite=False)
    height_high: float = setting(np.inf, "over when the torso is above this, metres; inf: never", finite=False)
    pitch_limit: float = setting(
        np.inf, "over when the torso is tilted by this or more, radians; inf: never", above=0, finite=False
    )
    observe: list[str] = setting(
        [],
        "what is observed beside joint positions and velocities; plane: horizontal position as it is in the state; "
        "torso: Cartesian position of the torso, rotation: its rotation matrix, contacts: clipped contact forces of "
        "all bodies",
        choices=("plane", "torso", "rotation", "contacts"),
    )
    position_noise: float = setting(0.0, "initial positions are off by up to this, uniformly", minimum=0)
    position_noise_std: float = setting(0.0, "initial positions are off by this times a standard normal", minimum=0)
    velocity_noise: float = setting(0.0, "initial velocities are up to this, uniformly", minimum=0)
    velocity_noise_std: float = setting(0.0, "initial velocities are this times a standard normal", minimum=0)

    body: ClassVar[Body]
    name: ClassVar[str]
    default_horizon = 200
    batch_limit = 256
    tasks_share_dynamics = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        roots = {"height_low": self.body.height, "height_high": self.body.height, "pitch_limit": self.body.pitch}
        for option, root in roots.items():
            value = getattr(self, option)
            if root is None and np.isfinite(value):
                raise ConfigError(f"task.options.{option} = {value}: {self.name} has no such end; leave this out.")
        if self.height_low > self.height_high:
            raise ConfigError(
                f"task.options.height_low = {self.height_low}: at most task.options.height_high = {self.height_high} "
                "is wanted."
            )

    @property
    def model(self) -> mujoco.MjModel:
        """Shared with the other families of this body."""
        return models.load(models.gymnasium_asset(self.body.file), self.timestep)

    @property
    def model_warnings(self) -> list[str]:
        """What MuJoCo says of the model."""
        self.model  # noqa: B018 (loads it)
        return [f"{self.body.file}: {message}" for message in models.warnings[self.body.file]]

    @property
    def seconds(self) -> float:
        """Simulated time of one step."""
        timestep: float = self.model.opt.timestep
        return timestep * self.frame_skip

    @property
    def action_size(self) -> int:
        motors: int = self.model.nu
        return motors

    @property
    def action_low(self) -> tuple[float, ...]:
        return (-1.0,) * self.action_size

    @property
    def action_high(self) -> tuple[float, ...]:
        return (1.0,) * self.action_size

    @property
    def rate(self) -> float:
        """Actions a second."""
        return 1.0 / self.seconds

    @property
    def observation_size(self) -> int:
        sizes = {"plane": self.body.plane, "torso": 3, "rotation": 9, "contacts": 6 * (self.model.nbody - 1)}
        coordinates: int = self.model.nq - self.body.plane + self.model.nv
        shown: int = coordinates + sum(sizes[part] for part in set(self.observe))
        return shown

    @property
    def random_start(self) -> bool:
        return any((self.position_noise, self.position_noise_std, self.velocity_noise, self.velocity_noise_std))

    @property
    def noise_size(self) -> int:
        return self.model.nq + self.model.nv if self.random_start else 0

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Offsets (nq + nv, episodes) of the initial positions and velocities."""
        sizes = (self.model.nq, self.model.nv)
        scales = (
            (self.position_noise, self.position_noise_std),
            (self.velocity_noise, self.velocity_noise_std),
        )
        return np.concatenate(
            [
                generator.uniform(-uniform, uniform, (size, episodes))
                + std * generator.standard_normal((size, episodes))
                for size, (uniform, std) in zip(sizes, scales, strict=True)
            ]
        )

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "LocomotionSimulation":
        return LocomotionSimulation(self, noise, tasks.shape[1], workspace)

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """The task's own reward (T, B): velocity, position (T, plane, B) of the torso after each step, tasks (p, B)."""
        raise NotImplementedError


class LocomotionSimulation(BodySimulation):
    """B bodies moving at once."""

    def __init__(self, family: LocomotionFamily, noise: np.ndarray | None, batch: int, workspace: Workspace):
        contacts = family.contact_cost > 0 or "contacts" in family.observe
        # Contact forces are computed by a call on one simulation's whole MjData, which only a persistent batch keeps.
        super().__init__(family.model, batch, family.horizon, workspace, persistent=contacts)
        self.family, self.noise = family, noise
        self.torso = self.physics.bind("xpos")[:, 1] if family.body.from_torso or "torso" in family.observe else None
        self.rotation = self.physics.bind("xmat")[:, 1] if "rotation" in family.observe else None
        self.forces = np.zeros((batch, 6 * (family.model.nbody - 1))) if contacts else None
        self.data = mujoco.MjData(family.model) if contacts else None
        fields = {"contacts": self.forces, "torso": self.torso, "rotation": self.rotation}
        self.extras = [field for name, field in fields.items() if field is not None and name in family.observe]
        # Places where the torso has been, the first one included.
        self.places = workspace.array("places", family.horizon + 1, family.body.plane, batch)
        self.actions = workspace.array("actions", family.horizon, family.action_size, batch)
        self.contact = workspace.array("contact", family.horizon, batch) if contacts else None

    def reset(self, observation: np.ndarray) -> None:
        self.start(*(() if self.noise is None else np.split(self.noise, [self.model.nq])))
        if self.forces is not None:
            self._compute_forces(np.arange(self.batch))
        self.places[0] = self._plane()
        self._observe(observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        family = self.family
        np.maximum(actions, LOWEST, out=actions)
        np.minimum(actions, HIGHEST, out=actions)
        self.ctrl[self.columns if len(self.columns) < self.batch else ...] = actions.T
        failed = self.advance(family.frame_skip)
        self.record(self.places[1:], self._plane())
        healthy = self._healthy()
        if self.forces is not None and self.contact is not None:
            self._compute_forces(self.columns[self.running])
            self.record(self.contact, np.add.reduce(self.present(self.forces) ** 2, axis=1))
        if np.count_nonzero(failed):
            actions[:, failed] = np.nan  # and so is the reward
            healthy = ~failed if healthy is None else healthy & ~failed
        self.record(self.actions, actions)
        self._observe(observation)
        self.finish_step(None if healthy is None else ~healthy)

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        family, done = self.family, slice(0, len(observations) - 1)
        places, actions, over = self.places[: len(observations)], self.actions[done], self.over[done]
        rewards = family.main_weight * family.main((places[1:] - places[:-1]) / family.seconds, places[1:], tasks)
        rewards += family.bonus if family.bonus_when_fallen else np.where(over, 0.0, family.bonus)
        for motor in range(family.action_size):  # in order, which a reduction of a batch of one would not keep
            rewards -= family.control_cost * actions[:, motor] ** 2
        if self.contact is not None and family.contact_cost:
            rewards -= family.contact_cost * self.contact[done]
        return rewards, over

    def _plane(self) -> np.ndarray:
        """Horizontal position (plane, b) of the torso."""
        body = self.family.body
        torso = self.torso if body.from_torso else None
        return self.present(self.qpos if torso is None else torso)[:, : body.plane].T

    def _observe(self, out: np.ndarray) -> None:
        family, body = self.family, self.family.body
        start = 0 if "plane" in family.observe else body.plane
        qpos, qvel = self.present(self.qpos), self.present(self.qvel)
        end = self.model.nq - start
        out[:end] = qpos[:, start:].T
        velocities = out[end : end + self.model.nv]
        velocities[...] = qvel.T
        if body.largest_velocity < np.inf:
            np.maximum(velocities, -body.largest_velocity, out=velocities)
            np.minimum(velocities, body.largest_velocity, out=velocities)
        end += self.model.nv
        for field in self.extras:
            out[end : end + field.shape[1]] = self.present(field).T
            end += field.shape[1]

    def _healthy(self) -> np.ndarray | None:
        """Which of the present episodes go on (b,); None: there is no end but the horizon."""
        family, body = self.family, self.family.body
        healthy = None
        if family.height_low > -np.inf or family.height_high < np.inf:
            height = self.present(self.qpos)[:, body.height]
            healthy = (height >= family.height_low) & (height <= family.height_high)
        if family.pitch_limit < np.inf:
            upright = np.abs(self.present(self.qpos)[:, body.pitch]) < family.pitch_limit
            healthy = upright if healthy is None else healthy & upright
        return healthy

    def _compute_forces(self, rows: np.ndarray) -> None:
        """External contact forces on all bodies but the world, of the last substep."""
        assert self.forces is not None and self.data is not None
        for i in rows:
            self.physics.get_data(int(i), self.data)
            mujoco.mj_rnePostConstraint(self.model, self.data)
            self.forces[i] = np.clip(self.data.cfrc_ext[1:], -LARGEST_CONTACT, LARGEST_CONTACT).ravel()
