"""A family's own kernel: steps compiled from C, loaded by ctypes, against the same steps in NumPy."""

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from esmaml_mpi.native import door
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks.workspace import Workspace

COMPILER = shutil.which(os.environ.get("CC", "cc"))
COMPILED = [name for name in door.names() if name != door.NUMPY]
pytestmark = [
    pytest.mark.skipif(not COMPILED, reason=f"no compiled kernels: {door.missing()}"),
    pytest.mark.skipif(COMPILER is None, reason="no C compiler"),
]
SOURCE = """
#include <stdint.h>
/* A mass on a spring; rows of the state are position, speed, stiffness. */
void swing(void *state, int64_t batch, double *actions, double *observations) {
    double *x = state, *v = x + batch, *k = v + batch;
    for (int64_t b = 0; b < batch; b++) {
        v[b] += 0.1 * (actions[b] - k[b] * x[b]);
        x[b] += 0.1 * v[b];
        observations[b] = x[b], observations[batch + b] = v[b];
    }
}
"""


@dataclass(frozen=True)
class Springs:
    """Masses on springs, with the steps at an address, if there is one."""

    horizon: int = 30
    step: int = 0

    name = "springs"
    observation_size, action_size, batch_limit, noise_size = 2, 1, 50, 0
    presets: ClassVar = {}

    def simulation(self, tasks, noise, workspace):
        return Swinging(self, tasks)


class Swinging:
    """In NumPy, and where it can be, in C."""

    running = None

    def __init__(self, family, tasks):
        self.family, self.stiffness = family, tasks[0]

    def reset(self, observation):
        self.x, self.v = np.ones(observation.shape[-1]), np.zeros(observation.shape[-1])
        observation[...] = self.x, self.v

    def step(self, actions, observation):
        self.v += 0.1 * (actions[0] - self.stiffness * self.x)
        self.x += 0.1 * self.v
        observation[...] = self.x, self.v

    def whole_path(self, bound, observations, sums):
        if not self.family.step or not hasattr(bound, "stepped_episodes"):
            return False
        self.reset(observations[0])
        bound.stepped_episodes(self.family.step, np.stack([self.x, self.v, self.stiffness]), observations, sums)
        return True

    def rewards(self, observations, tasks):
        return -np.abs(observations[1:, 0]), None


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of the compiled function; the library stays loaded."""
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "swing.c").write_text(SOURCE)
    flags = ["-O3", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *flags, "swing.c", "-o", "swing.so"], cwd=folder, check=True, timeout=60)
    return ctypes.cast(ctypes.CDLL(str(folder / "swing.so")).swing, ctypes.c_void_p).value


@pytest.mark.parametrize("name", [*COMPILED, door.NUMPY])
@pytest.mark.parametrize("hidden", [(), (8,), (5, 3)])
@pytest.mark.parametrize("batch", [1, 2, 9, 121])
def test_steps_in_c_give_the_bits_of_steps_in_numpy(address, name, hidden, batch):
    rng, policy = np.random.default_rng(batch), Policy(2, 1, hidden)
    parameters, tasks = rng.normal(size=(policy.size, batch)), rng.uniform(0.1, 3.0, (1, batch))
    observer = Observer(np.array([0.1, -0.2]), np.array([1.5, 0.7]))
    with door.using(door.NUMPY):
        expected = simulate(policy, Springs(), parameters, tasks, None, observer, Workspace(), record=True)
    with door.using(name):
        found = simulate(policy, Springs(step=address), parameters, tasks, None, observer, Workspace(), record=True)
    for part in ("returns", "lengths", "observation_sums", "observations", "rewards"):
        assert getattr(found, part).tobytes() == getattr(expected, part).tobytes(), part


def test_what_does_not_fit_is_refused(address):
    policy, batch = Policy(2, 1), 8
    bound = policy.bind(np.zeros((policy.size, batch)), np.zeros(2), np.ones(2))
    state, path, sums = np.zeros((3, batch)), np.zeros((5, 2, batch)), np.zeros((4, batch))
    with pytest.raises(ValueError, match="step: the address of a function is wanted"):
        bound.stepped_episodes(0, state, path, sums)
    with pytest.raises(ValueError, match="path: an array"):
        bound.stepped_episodes(address, state, path[:, :1].copy(), sums)
    with pytest.raises(ValueError, match="packed"):
        bound.stepped_episodes(address, state, np.zeros((5, 2, 3 * batch)), sums)
    with pytest.raises(ValueError, match="sums"):
        bound.stepped_episodes(address, state, path, sums[:2])
    with pytest.raises(TypeError, match="state"):
        bound.stepped_episodes(address, state.astype(np.float32), path, sums)
