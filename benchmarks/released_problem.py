"""A task family and a meta-policy in both codes: in the released one and in this package."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from released_code import Released, draws, layout

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.outcome import Outcome
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks.workspace import Workspace

Settings = Mapping[str, Any]
CLIMB, THEIR_CLIMB = {"operator": "hill_climbing"}, {"adapter_fn_string": "HillClimbAdaptation"}
# name -> the released code's settings, and ours. Its "antithetic" adaptation draws K directions, none with a mirrored
# twin, and weighs them with their rewards alone: that is our "vanilla".
ITS = "MC, its antithetic"
MONTE_CARLO = {
    "MC, forward_fd": ({"adaptation_est_type": "forward_fd"}, {}),
    ITS: ({}, {"estimator": "vanilla"}),
}
HILL = {"HC": (THEIR_CLIMB, CLIMB)}
SCHEMES = {
    f"HC, {scheme} of 3": (
        {**THEIR_CLIMB, "hillclimb_parallel_alg": scheme, "hillclimb_parallel_evaluations": 3},
        {**CLIMB, "scheme": scheme, "evaluations": 3},
    )
    for scheme in ("average", "batch")
}
DPP = {
    "DPP, rho = 5, forward_fd": (
        {"perturbation_type": "DPP", "adaptation_est_type": "forward_fd"},
        {"directions": "dpp", "direction_options": {"rho": 5, "absolute_length": 5.0}},
    )
}
FAMILIES = {
    "NavigationTask4corner": ("four_corners", {}),
    "NavigationTask2d": ("navigation_2d", {}),
    "NavigationTaskCombo": ("six_circles", {"goals": 4, "subset": 1}),
}
TASKS = (0, 1, 2, 3)  # numbers of the released code's tasks


@dataclass
class Problem:
    """A family in both codes, and a meta-policy: one as it begins, or after some training here."""

    theirs: str
    hidden: tuple[int, ...] = ()
    trained: bool = True

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All of ours but the adaptation."""
        name, options = FAMILIES[self.theirs]
        outer = {"perturbations": 40, "current_evaluations": 1, "estimator": "antithetic"}
        return {
            "task": {"name": name, "options": options, "horizon": 100},
            "policy": {"hidden": list(self.hidden), "output": "tanh", "output_gain": 0.1 if self.trained else 1.0},
            "meta": {**outer, "iterations": 100, "optimizer": "adam", "step_size": 0.03},
            "test": {"every": 0},
        }

    @cached_property
    def policy(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """theta (d,), and mean and std of observations (2,)."""
        if not self.trained:
            return self.ours({}).initial_theta(), np.zeros(2), np.ones(2)
        theta, mean, std = esmaml_mpi.train(self.settings, quiet=True).parameters("last")[1:]
        return theta, mean, std

    @cached_property
    def table(self) -> np.ndarray:
        """The released code's tasks as parameters of ours (p, tasks)."""
        tasks = [self.released({}).task(number) for number in TASKS]
        if self.theirs == "NavigationTaskCombo":
            return np.array([[float(goal in task.goal_ids) for task in tasks] for goal in range(tasks[0].num_goals)])
        return np.array([task.goal_pos for task in tasks]).T

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        widths = [2, *self.hidden, 2]
        return list(itertools.pairwise(widths))

    @cached_property
    def order(self) -> np.ndarray:
        """Where the released code's parameters are in ours."""
        return layout(self.layers)

    @property
    def theta(self) -> np.ndarray:
        """theta as the released code has it."""
        theta: np.ndarray = self.policy[0][self.order]
        return theta

    @property
    def observer(self) -> Observer:
        """How states are normalised."""
        return Observer(*self.policy[1:])

    def released(self, settings: Settings) -> Released:
        """The released code's worker with these settings."""
        return Released(self.theirs, list(self.hidden), *self.policy[1:], settings)

    def ours(self, adaptation: Settings) -> Experiment:
        """Our experiment with this adaptation."""
        config = esmaml_mpi.load_config({**self.settings, "adaptation": adaptation}).resolved()
        return Experiment(config, Phase.TEST, [0], 1)

    def evaluator(self, adaptation: Settings) -> Evaluator:
        """Ours, on the released code's tasks."""
        evaluator = self.ours(adaptation).evaluator
        evaluator.setup = replace(evaluator.setup, task_table=self.table)
        return evaluator

    def evaluated(self, adaptation: Settings, count: int) -> Outcome:
        """``count`` adaptations of ours, to the tasks in turn, with random numbers of their own."""
        points = np.repeat(self.policy[0][:, None], count, axis=1)
        return self.evaluator(adaptation).evaluate(points, units(count), self.observer)

    def adapted(self, adaptation: Settings, task: int, seed: int) -> float:
        """The reward after one adaptation of ours with the released code's random numbers."""
        evaluator, numbers = self.evaluator(adaptation), draws(self.order, seed)
        next(numbers)
        one = Units(Round(Phase.TEST, 0), np.array([[task]]), np.zeros(1, dtype=np.int64))
        trials = Trials(evaluator.setup, one, self.observer, Workspace(), Purpose.QUERY_EPISODE)
        session = evaluator.operator.adapt(self.policy[0][:, None, None], numbers.send)
        queries = next(session)
        try:
            while True:
                queries = session.send(trials.evaluate(queries))
        except StopIteration as end:
            return float(trials.evaluate(end.value[..., None])[0, 0, 0])


def units(count: int) -> Units:
    """One adaptation each, to the tasks in turn."""
    tasks, streams = np.arange(count) % len(TASKS), np.arange(count)
    return Units(Round(Phase.TEST, 0), tasks[:, None], streams)
