"""What benchmarks/rollouts.py times: one core's work in a process of its own, on request.

    python benchmarks/workloads.py SIDE     SIDE: ours, plain, jax64 or jax32; reads requests, see ``main``

Four corners, horizon 100, normalised observations, returns and observation sums included. CartPole episodes are of
random linear and width-32 policies and end early, most of them after some ten of 500 steps.
"""

import functools
import itertools
import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np

MEAN, STD = np.array([0.1, -0.2]), np.array([1.5, 1.2])
HORIZON = 100
POLICIES = {"linear": [], "width 32": [32]}
CHECKED = 84  # rollouts whose returns sides are compared by


def main() -> None:
    """Answer requests, a line of JSON each: a case and seconds with a rate per second, a policy alone with returns.

    Null where this side has no such case.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    side = {"ours": Ours, "plain": Plain, "jax64": Jax, "jax32": Jax32}[sys.argv[1]]()
    for line in sys.stdin:
        request = json.loads(line)
        if len(request) == 1:
            answer = side.returns(*request).tolist()
        else:
            policy, case, seconds = request
            forms = side.forms(policy, case)
            answer = max((rate(form, seconds / len(forms)) for form in forms), default=None)
        print(json.dumps(answer), flush=True)


def rate(function: Callable[[], int], seconds: float) -> float:
    """Rollouts per second over at least these seconds, at least one call; the first calls on either side are warm."""
    if function not in _warm:
        _warm.append(function)
        function()
    start, done = time.perf_counter(), 0
    while not done or time.perf_counter() - start < seconds:
        done += function()
    return done / (time.perf_counter() - start)


_warm: list = []


@functools.cache
def inputs(policy: str, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Random parameters (d, batch) and goals (2, batch)."""
    hidden = POLICIES[policy]
    widths = [2, *hidden, 2]
    size = sum((a + 1) * b for a, b in itertools.pairwise(widths))
    corners = np.array([[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]])
    goals = np.ascontiguousarray(corners[np.arange(batch) % 4].T)
    return 0.5 * np.random.default_rng(0).standard_normal((size, batch)), goals


@functools.cache
def pole_inputs(size: int, batch: int) -> tuple[np.ndarray, ...]:
    """Random parameters (size, batch), biases (1, batch) and starts (4, batch)."""
    generator = np.random.default_rng(1)
    starts = generator.uniform(-0.05, 0.05, (4, batch))
    return 0.5 * generator.standard_normal((size, batch)), generator.uniform(-0.17, 0.17, (1, batch)), starts


class Ours:
    """The package that is on the path."""

    def __init__(self) -> None:
        from esmaml_mpi.config.experiment import Experiment
        from esmaml_mpi.config.loading import load
        from esmaml_mpi.tasks.workspace import Workspace

        self.workspace = Workspace()
        self.corners, self.poles = (
            {
                name: Experiment(load({"task": {"name": task}, "policy": {"hidden": hidden}}).resolved())
                for name, hidden in POLICIES.items()
            }
            for task in ("four_corners", "cartpole_sensor_bias")
        )
        self.forms = functools.cache(self._forms)

    def _forms(self, policy: str, case: str) -> tuple[Callable[[], int], ...]:
        kind, _, batch = case.rpartition(" ")
        if case == "unit":
            return (functools.partial(self._unit, self.corners[policy]),)
        if kind == "cartpole":
            return (functools.partial(self._balanced, policy, int(batch)),)
        return (functools.partial(self._driven, policy, int(batch)),)

    def _unit(self, experiment) -> int:
        """All the work of one evaluation of a 301-rank job, random numbers and gradients too: 88 rollouts."""
        from esmaml_mpi.config.experiment import Request
        from esmaml_mpi.meta.stages import Stage
        from esmaml_mpi.observations.observer import Observer

        request = Request(0, 0, Stage(units=300), False, experiment.initial_theta(), Observer(MEAN, STD))
        return int(experiment.train_units(request, range(7, 8))[1].rollouts.sum())

    def _driven(self, policy: str, batch: int) -> int:
        self._simulated(self.corners[policy], *inputs(policy, batch), None, MEAN, STD)
        return batch

    def _balanced(self, policy: str, batch: int) -> int:
        experiment = self.poles[policy]
        self._simulated(experiment, *pole_inputs(experiment.policy.size, batch), np.zeros(4), np.ones(4))
        return batch

    def _simulated(self, experiment, parameters, tasks, noise, mean, std):
        from esmaml_mpi.observations.observer import Observer
        from esmaml_mpi.rollouts.simulate import simulate

        made = experiment.policy, experiment.family
        return simulate(*made, parameters, tasks, noise, Observer(mean, std), self.workspace)

    def returns(self, policy: str) -> np.ndarray:
        return self._simulated(self.corners[policy], *inputs(policy, CHECKED), None, MEAN, STD).returns


class Plain:
    """The loop of plain_loop.py."""

    def __init__(self) -> None:
        self.forms = functools.cache(self._forms)

    def _forms(self, policy: str, case: str) -> tuple[Callable[[], int], ...]:
        """One rollout after the other: their number does not matter."""
        return (functools.partial(self._some, policy),) if case.isdigit() or case == "unit" else ()

    def _some(self, policy: str) -> int:
        return len(self._rewards(policy, 20))

    def _rewards(self, policy: str, count: int) -> list[float]:
        from plain_loop import PlainFourCorners, PlainPolicy, rollout

        parameters, goals = inputs(policy, CHECKED)
        widths = [2, *POLICIES[policy], 2]
        return [
            rollout(PlainPolicy(widths, parameters[:, i], MEAN, STD), PlainFourCorners(goals[:, i]), HORIZON)[0]
            for i in range(count)
        ]

    def returns(self, policy: str) -> np.ndarray:
        return np.array(self._rewards(policy, CHECKED))


class Jax:
    """rollouts_in_jax.py, in the better of its two forms."""

    dtype: type = np.float64

    def __init__(self) -> None:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["JAX_PLATFORMS"] = "cpu"
        import rollouts_in_jax

        self.programs = {name: rollouts_in_jax.programs([2, *hidden, 2]) for name, hidden in POLICIES.items()}
        self.forms = functools.cache(self._forms)

    def _forms(self, policy: str, case: str) -> tuple[Callable[[], int], ...]:
        if not case.isdigit():
            return ()
        return tuple(functools.partial(self._run, each, policy, int(case)) for each in self.programs[policy])

    def _run(self, program, policy: str, batch: int) -> int:
        self._outcome(program, policy, batch)
        return batch

    def _outcome(self, program, policy: str, batch: int):
        given = (each.astype(self.dtype, copy=False) for each in (*inputs(policy, batch), MEAN, STD))
        return [np.asarray(each) for each in program(*given)]  # waits for them

    def returns(self, policy: str) -> np.ndarray:
        first, second = (self._outcome(program, policy, CHECKED) for program in self.programs[policy])
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9 if self.dtype is np.float64 else 2e-3, atol=1e-3)
        return first[0]


class Jax32(Jax):
    """The same in single precision."""

    dtype = np.float32


if __name__ == "__main__":
    main()
