"""Quadrupeds of different tasks walking at once.

A step's reward is distance_weight x metres forwards - energy_weight x joules - drift_weight x metres sideways -
shake_weight x abs(x + y) of the base's up-vector: the terms of bullet3's Minitaur environment.
"""

import mujoco
import numpy as np
from mujoco.batch import Batch

from esmaml_mpi.tasks.locomotion.simulation import BodySimulation
from esmaml_mpi.tasks.quadruped import sensors
from esmaml_mpi.tasks.quadruped.gait import Generator
from esmaml_mpi.tasks.quadruped.motors import Motors
from esmaml_mpi.tasks.quadruped.quantities import ROW
from esmaml_mpi.tasks.quadruped.robot import Robot
from esmaml_mpi.tasks.quadruped.sensors import LEGS, MOTORS_FROM
from esmaml_mpi.tasks.workspace import Workspace

LOAD_RADIUS = 0.025  # metres, of a solid ball


class QuadrupedSimulation(BodySimulation):
    """B quadrupeds, of tasks (p, B)."""

    def __init__(self, family: Robot, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> None:
        batch = tasks.shape[1]
        super().__init__(family.model, batch, family.horizon, workspace)
        self.family = family
        build(self.physics, self.model, tasks)
        self.motors = Motors(
            family.kp,
            family.kd,
            *(tasks[ROW[name]] for name in ("voltage", "motor_strength", "viscous_friction")),
        )
        step = 1000 * family.seconds  # ms
        self.delay = sensors.Delay(tasks[ROW["latency"]] / step, family.latency[1] / step)
        self.generator = Generator(family.make_gait(), family.seconds, batch) if family.trajectory_generator else None
        self.return_noise: np.ndarray | None = None
        if noise is not None and family.reward_noise > 0:
            self.return_noise = noise[-1] * family.reward_noise
        self.noise: np.ndarray | None = None
        if noise is not None and family.sensor_noise_size:
            self.noise = noise[: family.sensor_noise_size].reshape(family.horizon, -1, batch)
            self.noise_scales = sensors.noise_scales(family.observe) * tasks[ROW["sensor_noise"]]
        self.earned = workspace.array("earned", family.horizon, batch)

    def reset(self, observation: np.ndarray) -> None:
        self.start()
        self.torques = np.zeros((self.model.nu, self.batch))
        self._look()
        self.plane = self.position[:2]
        measured = np.empty((sensors.size(self.family.observe), self.batch))
        self.delay.start(self._measure(measured))
        self._observe(observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        family = self.family
        np.maximum(actions, -1.0, out=actions)
        np.minimum(actions, 1.0, out=actions)
        targets = actions[: self.model.nu] * family.residual_limit
        if self.generator is not None:
            targets += self.generator.step(actions[self.model.nu :])
        failed, joules = self._drive(targets)
        before, self.plane = self.plane, self.position[:2]
        moved = self.plane - before
        earned = family.distance_weight * np.minimum(moved[0], family.speed_limit * family.seconds)
        earned -= family.energy_weight * joules
        earned -= family.drift_weight * np.abs(moved[1])
        w, x, y, z = self.position[3:7]
        earned -= family.shake_weight * np.abs(2 * (x * z + w * y) + 2 * (y * z - w * x))
        fallen = (1 - 2 * (x * x + y * y) < family.upright_low) | (self.position[2] < family.height_low)
        if failed.any():
            earned[failed] = np.nan
            fallen |= failed
        self.record(self.earned, earned)
        self.finish_step(fallen)
        self._observe(observation)

    def narrow(self, kept: np.ndarray) -> None:
        super().narrow(kept)
        self.motors.narrow(kept)
        self.delay.narrow(kept)
        if self.generator is not None:
            self.generator.narrow(kept)
        if self.noise is not None:
            self.noise_scales = self.noise_scales.take(kept, axis=1)
        # Unlike [:, kept], take leaves the batch axis last in memory, where sums over motors want it.
        for name in ("plane", "torques", "position", "velocity"):
            setattr(self, name, getattr(self, name).take(kept, axis=1))

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steps = len(observations) - 1
        earned = self.earned[:steps].copy()
        if self.return_noise is not None:
            earned[0] += self.return_noise
        return earned, self.over[:steps]

    def _drive(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Send motors to targets (8, b) for one step: which robots have failed so far, and joules spent, each (b,)."""
        rows = slice(None) if len(self.columns) == self.batch else self.columns
        joules = np.zeros(len(self.columns))
        for _ in range(self.family.substeps):
            velocities = self.velocity[MOTORS_FROM - 1 :]
            self.torques = self.motors.torques(targets, self.position[MOTORS_FROM:], velocities)
            self.ctrl[rows] = self.torques.T
            failed = self.advance(1)
            joules += np.abs(np.add.reduce(self.torques * velocities, axis=0))
            self._look()
        return failed, joules * self.model.opt.timestep

    def _look(self) -> None:
        """Take ``position`` (15, b) and ``velocity`` (14, b) of the present robots from the simulator."""
        self.position = np.ascontiguousarray(self.present(self.qpos).T)
        self.velocity = np.ascontiguousarray(self.present(self.qvel).T)

    def _measure(self, out: np.ndarray) -> np.ndarray:
        sensors.measure(self.family.observe, self.position, self.velocity, self.torques, out)
        return out

    def _observe(self, out: np.ndarray) -> None:
        measured = out[: sensors.size(self.family.observe)]
        measured[...] = self.delay.see(self._measure(measured))
        if self.noise is not None and self.steps < self.family.horizon:  # what follows the horizon is not acted upon
            noise = self.noise[self.steps]
            noise = noise if len(self.columns) == self.batch else noise.take(self.columns, axis=1)
            measured += noise * self.noise_scales
        if self.generator is not None:
            out[len(measured) :] = self.generator.phases()


def build(physics: Batch, model: mujoco.MjModel, tasks: np.ndarray) -> None:
    """Give each robot of a batch the masses and frictions of its task, tasks (p, B)."""
    base, load = model.body("base").id, model.body("load").id
    legs = [model.body(f"{leg}_{link}").id for leg in LEGS for link in ("thigh", "shank")]
    feet = [model.geom(f"{leg}_foot").id for leg in LEGS]
    mass, inertia = physics.expand("body_mass"), physics.expand("body_inertia")
    for bodies, name in (([base], "base_mass"), (legs, "leg_mass")):
        factors = tasks[ROW[name]][:, None]
        mass[:, bodies] *= factors
        inertia[:, bodies] *= factors[:, :, None]
    mass[:, load] = tasks[ROW["side_mass"]]
    inertia[:, load] = (0.4 * LOAD_RADIUS**2) * tasks[ROW["side_mass"]][:, None]
    physics.expand("body_pos")[:, load, 1] *= tasks[ROW["side"]]
    physics.expand("geom_friction")[:, feet, 0] = tasks[ROW["foot_friction"]][:, None]
    physics.expand("dof_frictionloss")[:, MOTORS_FROM - 1 :] = tasks[ROW["joint_friction"]][:, None]
    physics.set_const()
