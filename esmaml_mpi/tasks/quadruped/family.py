"""A quadruped that is to walk forwards, whatever its body, battery, motors and floor are in the task.

After Song et al. 2020, "Rapidly Adaptable Legged Robots via Evolutionary Meta-Learning" (arXiv 2003.01239), whose
simulator, randomisation and reward are not public. docs/quadruped.md says what stands in for them.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.tasks.quadruped.quantities import NAMED, RANGES, drawn, named
from esmaml_mpi.tasks.quadruped.robot import Robot
from esmaml_mpi.tasks.quadruped.simulation import QuadrupedSimulation
from esmaml_mpi.tasks.workspace import Workspace

# bullet3 minitaur_env_randomizer_config.py, minitaur_env_randomizer.py, and Yu et al. 2020 as it is remembered.
BULLET = dict(voltage=[14.0, 16.8])
NARROW = dict(
    motor_strength=[1.0, 1.0],
    voltage=[14.8, 16.8],
    viscous_friction=[0.0, 0.01],
    joint_friction=[0.0, 0.0],
    foot_friction=[0.8, 1.5],
    latency=[0.0, 0.0],
)
WIDE = dict(
    base_mass=[0.6, 1.6],
    leg_mass=[0.6, 1.6],
    motor_strength=[0.5, 1.5],
    voltage=[10.0, 18.0],
    joint_friction=[0.0, 0.2],
    foot_friction=[0.2, 1.25],
    latency=[0.0, 80.0],
)


@dataclass(frozen=True)
class Quadruped(Robot):
    """Walk forwards on four legs; the task is masses, voltage, friction, latency and other quantities of the robot.

    ``robot.py`` has the options, ``quantities.py`` the tasks, ``gait.py`` the generator, ``simulation.py`` the reward.
    """

    name = "quadruped"
    default_horizon = 300
    task_count = None
    batch_limit = 256
    tasks_share_dynamics = False
    presets: ClassVar = {"bullet": BULLET, "narrow": NARROW, "wide": WIDE}

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Standard normals (noise_size, episodes): of the sensors step by step, then that of the return."""
        return generator.standard_normal((self.noise_size, episodes))

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The task's QUANTITIES (p,)."""
        ranges = {key: getattr(self, key) for key in RANGES}
        which = task_id - self.named_tasks_from
        if 0 <= which < len(NAMED):
            return named(NAMED[which], ranges, self.test_voltage, self.test_side_mass, self.test_foot_friction)
        return drawn(ranges, generator)

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> QuadrupedSimulation:
        return QuadrupedSimulation(self, tasks, noise, workspace)
