"""A cart-pole whose angle sensor is off by a constant: NoRML ``norml/envs/cartpole_sensor_bias_env.py``.

Gym's constants and explicit Euler steps, in which positions move with the old velocities. The observed angle is off by
the task's bias; dynamics and the end use the true one. Reward 1 for each step that leaves the pole up. The source
rescales observations by Gym's declared range, in which velocities have no bound, so that its policy saw position and
angle alone: that is ``observe_velocities = false``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.native.door import cos, sin
from esmaml_mpi.native.network import CompiledPolicy
from esmaml_mpi.policies.contract import Bound
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.workspace import Workspace

GRAVITY, CART, POLE, HALF_LENGTH, SECONDS = 9.8, 1.0, 0.1, 0.5, 0.02  # m/s^2, kg, kg, m, s per step
TOTAL, POLE_MOMENT = CART + POLE, POLE * HALF_LENGTH


@dataclass(frozen=True)
class CartPoleSensorBias:
    """Balance a pole; the task is the bias of the angle sensor, one of evenly spaced values."""

    horizon: int = 500
    observe_velocities: bool = setting(True, "whether both velocities are observed; false is the hard variant")
    bias_limit: float = setting(np.pi / 18, "biases lie within +- this, radians", minimum=0)
    biases: int = setting(5000, "number of evenly spaced biases, both limits included", minimum=2)
    force: float = setting(10.0, "force of an action of +-1, newtons; larger actions are clipped", above=0)
    start_range: float = setting(
        0.05, "all four state variables start uniformly within +- this; 0: upright and at rest", minimum=0
    )
    position_limit: float = setting(2.4, "over when the cart is this far out, metres", above=0)
    angle_limit: float = setting(np.pi / 15, "over when the pole leans by this, radians", above=0)

    name = "cartpole_sensor_bias"
    action_size = 1
    action_low, action_high, rate = (-1.0,), (1.0,), 1.0 / SECONDS
    task_count = None
    default_horizon = 500
    batch_limit = 1000
    tasks_share_dynamics = False  # the policy sees the bias
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @property
    def observation_size(self) -> int:
        return 4 if self.observe_velocities else 2

    @property
    def observation_names(self) -> tuple[str, ...]:
        names = "cart position (m)", "cart velocity (m/s)", "measured pole angle (rad)", "pole angular velocity (rad/s)"
        return names if self.observe_velocities else names[::2]

    @property
    def action_names(self) -> tuple[str, ...]:
        return (f"force on the cart (x {self.force:g} N)",)

    @property
    def noise_size(self) -> int:
        return 4 if self.start_range > 0 else 0

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The bias (1,), drawn from the evenly spaced ones."""
        return np.linspace(-self.bias_limit, self.bias_limit, self.biases)[[generator.integers(self.biases)]]

    def best_return(self, task: np.ndarray) -> float:
        """The pole stays up to the end."""
        return float(self.horizon)

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Initial states (4, episodes): position, velocity, angle, angular velocity."""
        return generator.uniform(-self.start_range, self.start_range, (4, episodes))

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "CartPoleSimulation":
        return CartPoleSimulation(self, tasks[0], noise, workspace)


class CartPoleSimulation(EndingEpisodes):
    """B cart-poles at once; ``state`` (4, b): position, velocity, true angle, angular velocity of the present ones."""

    def __init__(self, family: CartPoleSensorBias, bias: np.ndarray, noise: np.ndarray | None, workspace: Workspace):
        super().__init__(len(bias), family.horizon, workspace)
        self.family, self.bias = family, bias
        self.state = np.zeros((4, len(bias))) if noise is None else noise.copy()
        self.seen = [0, 1, 2, 3] if family.observe_velocities else [0, 2]

    def whole_episodes(self, bound: Bound) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """All episodes in one call."""
        if not isinstance(bound, CompiledPolicy):
            return None
        family = self.family
        limits = family.force, family.position_limit, family.angle_limit
        return bound.cartpole_episodes(
            (*limits, family.observe_velocities, family.horizon), self.bias[None], self.state
        )

    def reset(self, observation: np.ndarray) -> None:
        self.earned = np.zeros((self.family.horizon, self.batch))
        self._observe(observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        _, velocity, angle, spin = self.state
        force = self.family.force * np.clip(actions[0], -1.0, 1.0)
        cosine, sine = cos(angle), sin(angle)
        push = (force + POLE_MOMENT * spin * spin * sine) / TOTAL
        angular = (GRAVITY * sine - cosine * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine * cosine / TOTAL))
        linear = push - POLE_MOMENT * angular * cosine / TOTAL
        change = SECONDS * np.stack([velocity, linear, spin, angular])
        np.add(self.state, change, out=self.state, where=self.running)
        finite = np.isfinite(self.state).all(axis=0)
        up = finite & (np.abs(self.state[0]) < self.family.position_limit)
        up &= np.abs(self.state[2]) < self.family.angle_limit
        self.record(self.earned, np.where(finite, up, np.nan))
        self._observe(observation)
        self.finish_step(~up)

    def narrow(self, kept: np.ndarray) -> None:
        super().narrow(kept)
        self.state, self.bias = self.state[:, kept], self.bias[kept]

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        done = slice(0, len(observations) - 1)
        return self.earned[done], self.over[done]

    def _observe(self, out: np.ndarray) -> None:
        out[...] = self.state[self.seen]
        out[self.seen.index(2)] += self.bias
