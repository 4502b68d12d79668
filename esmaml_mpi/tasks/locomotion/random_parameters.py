"""Walker2d whose body differs between tasks: rand_param_envs ``base.py`` and ``walker2d_rand_params.py``.

Masses, inertias and frictions are multiplied by 1.5^u, joint dampings by 1.3^u, u ~ U(-3, 3) drawn anew for each entry
of each array (the source's comment says one factor for all masses; its code draws one per body). Constants derived
from them follow, which the source leaves as they were.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion.family import LocomotionSimulation, frame_skip, variants
from esmaml_mpi.tasks.locomotion.walker2d import START, Walker2d
from esmaml_mpi.tasks.workspace import Workspace

# Field of the model -> base of its factors.
BASES = {"body_mass": 1.5, "body_inertia": 1.5, "dof_damping": 1.3, "geom_friction": 1.5}


@dataclass(frozen=True)
class Walker2dRandomParameters(Walker2d):
    """Walk forwards with the task's own masses, inertias, dampings and frictions: velocity + 1 - 0.001 sum a^2."""

    variant: str = variants("paper", "oyster")
    frame_skip: int = frame_skip(4)
    timestep: float = setting(0.004, "seconds of a simulator step; 0: the model's own", minimum=0, maximum=0.1)
    log_scale_limit: float = setting(3.0, "exponents of the factors are uniform within +- this", minimum=0)

    name = "walker2d_random_parameters"
    task_count = None
    tasks_share_dynamics = False
    presets: ClassVar = {"oyster": START}

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Factors of all entries of all fields of BASES, one after the other."""
        limit = self.log_scale_limit
        return np.concatenate(
            [base ** generator.uniform(-limit, limit, getattr(self.model, field).size) for field, base in BASES.items()]
        )

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> LocomotionSimulation:
        simulation = LocomotionSimulation(self, noise, tasks.shape[1], workspace)
        start = 0
        for field in BASES:
            values = simulation.physics.expand(field)
            size = values[0].size
            values *= tasks[start : start + size].T.reshape(values.shape)
            start += size
        simulation.physics.set_const()
        return simulation

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        return velocity[:, 0]
