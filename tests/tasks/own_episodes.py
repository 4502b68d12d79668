"""Episodes of environments of own_things: as the program simulates them, and in a plain loop."""

import numpy as np
import own_things
from helpers import task_table

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks.workspace import Workspace


def columns(family, size=9, seed=0):
    """Policies, tasks and seeds of that many episodes."""
    rng, policy = np.random.default_rng(seed), Policy(family.observation_size, family.action_size, ())
    theta = rng.normal(0.0, 0.5, (policy.size, size))
    tasks = task_table(family, family.task_count)[:, rng.integers(family.task_count, size=size)]
    return policy, theta, tasks, family.draw_noise(rng, size)


def simulated(family, chosen=slice(None), size=9, workspace=None, record=False):
    policy, theta, tasks, noise = columns(family, size)
    n, workspace = family.observation_size, workspace or Workspace()
    observer = Observer(np.zeros(n), np.ones(n))
    arrays = theta[:, chosen], tasks[:, chosen], noise[:, chosen]
    return simulate(policy, family, *arrays, observer, workspace, record)


def looped(family, size=9):
    """Returns of the same episodes in a plain loop, each in an environment that nothing else is beside."""
    policy, theta, tasks, noise = columns(family, size)
    returns = []
    for b in range(size):
        env = getattr(own_things, family.environment.partition(":")[2])(**family.arguments)
        env.goal = [-1.0, 1.0][int(tasks[0, b])]
        (seen, _), total = env.reset(seed=int(noise[0, b])), 0.0
        act = policy.bind(theta[:, [b, b]], np.zeros(family.observation_size), np.ones(family.observation_size)).act
        for _ in range(family.horizon):
            outputs = act(np.repeat(np.reshape(seen, (-1, 1)), 2, axis=1))[:, 0]
            seen, reward, *_ = env.step(np.clip(outputs, -1, 1).astype(np.float32))
            total += reward
        returns.append(total)
    return np.array(returns)
