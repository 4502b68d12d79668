"""Steps of users' environments per second on one core: one by one, as vector environments, and as a family of arrays.

    python benchmarks/batched_environments.py [--rounds 7] [--seconds 0.3] [--table ways|bare|apart]

The first table simulates one task, a mass on a spring, in three ways: a Gymnasium environment, which the bridge steps
one by one, a vector environment in NumPy, and a BatchedFamily, with a linear policy; figures are the best of turns that
the ways take, per second of processor time. The second is the time from one step of a vector environment to the next
over the time of the step: in a simulation that is given its actions, and in a whole rollout with a linear policy. Steps
are those that were disturbed least. The last column is what a batch takes to begin: EnvPool's, which are left out where
it is not installed, are made anew for each. The third is what task.options.instances and isolation cost: instances side
by side, one episode after the other, and a process for each instance: by the clock, and in processor time of the
processes of instances too.
"""

import argparse
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from esmaml_mpi import BatchedFamily
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

HORIZON = 100
QUIET = partial(np.quantile, q=0.1)  # of the steps of a rollout: those that other programs disturbed least
ROW = "{:26} {:>6} {:>14} {:>7} {:>12} {:>10}"


class Spring(gymnasium.Env):
    """One by one."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = spaces.Box(-5.0, 5.0, (1,), np.float64)

    def __init__(self, stiffness=1.0):
        self.stiffness = stiffness

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-0.1, 0.1, 2)
        return self.state.copy(), {}

    def step(self, action):
        position, velocity = self.state
        velocity += 0.05 * (action[0] - self.stiffness * position - 0.5 * velocity)
        position += 0.05 * velocity
        self.state = np.array([position, velocity])
        return self.state.copy(), -((position - 1.0) ** 2), bool(abs(position) > 10.0), False, {}


class Springs(gymnasium.vector.VectorEnv):
    """All at once."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012
    single_observation_space, single_action_space = Spring.observation_space, Spring.action_space

    def __init__(self, num_envs):
        self.num_envs, self.stiffness = num_envs, np.ones(num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        if options is None:
            self.state = np.array([np.random.default_rng(each).uniform(-0.1, 0.1, 2) for each in seed])
        return self.state.copy(), {}

    def step(self, actions):
        position, velocity = self.state.T
        velocity += 0.05 * (actions[:, 0] - self.stiffness * position - 0.5 * velocity)
        position += 0.05 * velocity
        none = np.zeros(self.num_envs, dtype=bool)
        return self.state.copy(), -((position - 1.0) ** 2), np.abs(position) > 10.0, none, {}


@dataclass(frozen=True)
class SpringFamily(BatchedFamily):
    """As a family."""

    observation_size = 2
    action_size = 1
    default_horizon = HORIZON
    noise_size = 2
    action_low, action_high = -5.0, 5.0

    def task_parameters(self, task_id, generator):
        return generator.uniform(0.5, 4.0, 1)

    def begin(self, tasks, noise):
        return {"position": 0.1 * noise[0], "velocity": 0.1 * noise[1], "stiffness": tasks[0]}

    def advance(self, state, actions):
        state.velocity += 0.05 * (actions[0] - state.stiffness * state.position - 0.5 * state.velocity)
        state.position += 0.05 * state.velocity
        return -((state.position - 1.0) ** 2), np.abs(state.position) > 10.0

    def observe(self, state):
        return state.position, state.velocity


def sync(num_envs):
    """Gymnasium's own, of Pendulum: Python for each of them."""
    return gymnasium.make_vec("Pendulum-v1", num_envs=num_envs, vectorization_mode="sync")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="times each way is measured (default 7)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement (default 0.3)")
    parser.add_argument("--table", choices=TABLES, help="this one alone")
    options = parser.parse_args()
    gymnasium.logger.min_level = gymnasium.logger.ERROR  # bounds of EnvPool's spaces are rounded
    for name, table in TABLES.items():
        if options.table in (None, name):
            table(options)


def ways_of_one_task(options) -> None:
    """The first table."""
    springs = {
        "environment, one by one": (bridge("Spring"), 64),
        "vector environment": (bridge("Springs"), 512),
        "BatchedFamily": (SpringFamily(HORIZON), 1000),
    }
    ways = {name: whole(family, batch) for name, (family, batch) in springs.items()}
    rates = measured(ways, options)
    print(f"{'a mass on a spring':26} {'episodes at once':>17} {'steps/s':>12} {'ratio':>7}")
    for name, (_, batch) in springs.items():
        steps = HORIZON * batch / rates[name]
        ratio = steps / (HORIZON * 64 / rates["environment, one by one"])
        print(f"{name:26} {batch:17} {steps:12,.0f} {ratio:7.1f}", flush=True)


def beside_bare_steps(options) -> None:
    """The second table."""
    print("\n" + ROW.format("vector environment", "lanes", "bare, ms/step", "ours", "with policy", "start, ms"))
    cases = {"SyncVectorEnv of Pendulum": (bridge("sync"), 64), "Springs, in NumPy": (bridge("Springs"), 512)}
    try:
        for name, batch in (("Pendulum-v1", 256), ("HalfCheetah-v5", 16)):
            cases[f"EnvPool {name}"] = (make_family("gymnasium", HORIZON, {"environment": f"envpool:{name}"}), batch)
    except Exception as error:
        print(f"({error})")
    for name, (family, batch) in cases.items():
        beside = Beside(family, batch)
        rows, end = [], time.perf_counter() + options.rounds * options.seconds
        while len(rows) < 3 or time.perf_counter() < end:
            rows.append(beside.figures())
        bare, ours, beside_policy, with_policy, start = np.min(rows, axis=0)
        ratios = f"{ours / bare:.3f}", f"{with_policy / beside_policy:.3f}"
        cells = (f"{1e3 * bare:.3f}", *ratios, f"{1e3 * start:.1f}")
        print(ROW.format(name, batch, *cells), flush=True)


def instances_apart(options) -> None:
    """The third table."""
    kinds = {
        "side by side": ({}, 64),
        "instances = 1": ({"instances": 1}, 1),
        "a process each": ({"isolation": "process"}, 8),
    }
    print(f"\n{'one by one':20} {'':16} {'episodes at once':>17} {'steps/s':>12} {'ms/step':>9} {'CPU ms/step':>12}")
    for name, environment in (("a mass on a spring", "batched_environments:Spring"), ("Pendulum-v1", "Pendulum-v1")):
        families = {
            kind: (make_family("gymnasium", HORIZON, {"environment": environment, **own}), batch)
            for kind, (own, batch) in kinds.items()
        }
        clock, processor = (
            measured({kind: whole(*each, clock=clock) for kind, each in families.items()}, options)
            for clock in (time.perf_counter, with_children)
        )
        for kind, (_, batch) in families.items():
            step, cpu = (least[kind] / (HORIZON * batch) for least in (clock, processor))
            print(f"{name:20} {kind:16} {batch:17} {1 / step:12,.0f} {1e3 * step:9.4f} {1e3 * cpu:12.4f}", flush=True)


def with_children():
    """Seconds of processor time of this process and of those that it has started (Linux)."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return time.process_time() + sum(int(Path(f"/proc/{n}/schedstat").read_text().split()[0]) for n in children) / 1e9


TABLES = {"ways": ways_of_one_task, "bare": beside_bare_steps, "apart": instances_apart}


class Timed:
    """A vector environment that notes when each step in it began and ended."""

    def __init__(self, env):
        self.env, self.begun, self.ended = env, [], []
        self.reset, self.close = env.reset, env.close

    def step(self, actions):
        self.begun.append(time.perf_counter())
        outcome = self.env.step(actions)
        self.ended.append(time.perf_counter())
        return outcome

    def figures(self):
        """Seconds of a step, and from the begin of one to that of the next; of steps noted since the last call."""
        begun, ended = np.array(self.begun), np.array(self.ended)
        self.begun, self.ended = [], []
        return QUIET(ended - begun), QUIET(np.diff(begun))


class Beside:
    """Episodes of a vector environment, as a rollout steps them, beside what passes in the environment meanwhile."""

    def __init__(self, family, batch):
        self.family, self.batch, self.workspace = family, batch, Workspace()
        self.outputs = np.random.default_rng(0).uniform(-1.0, 1.0, (HORIZON, family.action_size, batch))
        self.observations = np.empty((HORIZON + 1, family.observation_size, batch))
        self.with_policy = whole(family, batch, self.workspace)
        (group,) = self.simulation().groups
        group.instance.env = self.env = Timed(group.instance.env)
        self.figures()

    def simulation(self):
        tasks, noise = np.zeros((1, self.batch)), np.arange(float(self.batch))[None]
        simulation = self.family.simulation(tasks, noise, self.workspace)
        simulation.reset(self.observations[0])
        return simulation

    def figures(self):
        """Seconds of a step, bare, in a simulation, bare with a policy, and with it; of a start."""
        begin = time.perf_counter()
        simulation = self.simulation()
        start = time.perf_counter() - begin
        for outputs, following in zip(self.outputs, self.observations[1:], strict=True):
            simulation.step(outputs, following)
            np.count_nonzero(simulation.running)
        bare, ours = self.env.figures()
        self.with_policy()
        return bare, ours, *self.env.figures(), start


def bridge(name, horizon=HORIZON):
    """The family of something in this file."""
    return make_family("gymnasium", horizon, {"environment": f"batched_environments:{name}"})


def whole(family, batch, workspace=None, clock=time.process_time):
    """Whole rollouts with a linear policy that hardly moves, so that no episode ends early."""
    policy, workspace = Policy(family.observation_size, family.action_size, ()), workspace or Workspace()
    theta = np.random.default_rng(1).normal(0.0, 0.01, (policy.size, batch))
    tasks = np.stack([family.task_parameters(0, np.random.default_rng(0))] * batch, axis=1)
    noise = family.draw_noise(np.random.default_rng(2), batch)
    observer = Observer(np.zeros(family.observation_size), np.ones(family.observation_size))

    def seconds():
        begin = clock()
        simulate(policy, family, theta, tasks, noise, observer, workspace)
        return clock() - begin

    return seconds


def measured(ways, options):
    """Least seconds of each way, in turn: what is more is somebody else's."""
    for way in ways.values():
        way()
    found = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            times, end = [], time.perf_counter() + options.seconds
            while not times or time.perf_counter() < end:
                times.append(way())
            found[name] += times
    return {name: min(each) for name, each in found.items()}


if __name__ == "__main__":
    main()
