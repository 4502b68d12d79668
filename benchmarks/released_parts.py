"""Parts of the released code beside the package's: choices of directions, a meta-update, beginnings, rounding."""

from collections.abc import Callable

import numpy as np
from released_problem import DPP, ITS, MONTE_CARLO, TASKS, Problem
from scipy.stats import t as student

from esmaml_mpi.meta.optimizers import SGD
from esmaml_mpi.meta.zero_order import ZeroOrder
from esmaml_mpi.reproducibility.randomness import Phase, Round

MEASURED = "| released | package | difference | verdict |"
CHOICES = 400  # determinantal choices of each code
SAME = -324.61  # a reward whose mean over 21 is not itself to the last bit


def row(where: str, what: str, theirs: np.ndarray, ours: np.ndarray, tasks: int = len(TASKS)) -> None:
    """Means over tasks, which come in turn, and the 95 % interval of their difference, by Welch's t within tasks."""
    parts, freedom = [], 0.0
    for values in (theirs, ours):
        of_tasks = values.reshape(-1, tasks)
        variances = of_tasks.var(axis=0, ddof=1) / len(of_tasks) / tasks**2
        parts.append(variances.sum())
        freedom += (variances**2).sum() / (len(of_tasks) - 1)
    half = student.ppf(0.975, sum(parts) ** 2 / freedom) * np.sqrt(sum(parts)) if freedom else 0.0
    difference = ours.mean() - theirs.mean()
    verdict = "same" if abs(difference) <= half else f"differs by {difference:.3g}"
    means = f"{theirs.mean():.5g} | {ours.mean():.5g}"
    print(f"| {where} | {what} | {means} | {difference:.3g} +- {half:.2g} | {verdict} |", flush=True)


def choices() -> None:
    """The table of determinantal choices: the mean square of the numbers of K chosen directions."""
    print(f"\n| DPP, rho = 5 | mean square of {MEASURED}")
    print("|---|---|---|---|---|---|")
    for hidden in ((), (32,)):
        problem = Problem("NavigationTask4corner", hidden, trained=False)
        released, (ours,) = problem.released({}), [ours for _, ours in DPP.values()]
        size, sampler = len(problem.theta), problem.ours(ours).sampler
        for queries in (20, 5):
            there, here, generator = [], [], np.random.default_rng(0)
            for seed in range(CHOICES):
                candidates, chosen = released.determinantal(size, queries, seed)
                there.append((candidates[chosen] ** 2).mean())
                here.append((sampler.draw(generator, size, queries) ** 2).mean())
            row(f"d = {size}, K = {queries}", "chosen directions", np.array(there), np.array(here), tasks=1)


def meta_update() -> None:
    """The table of a meta-update: theta after one meta-update from the same perturbations and values."""
    print("\n| meta-update from the same values | largest difference of any parameter |\n|---|---|")
    problem = Problem("NavigationTask4corner", (32,), trained=False)
    for estimator in ("forward_fd", "antithetic"):
        problem.settings["meta"].update(estimator=estimator, perturbations=150, current_evaluations=1)
        algorithm, at, size = problem.ours({}).algorithm, Round(Phase.TRAIN, 0), len(problem.theta)
        assert isinstance(algorithm, ZeroOrder)
        values, numbers = np.random.default_rng(0).normal(-300.0, 20.0, 151), np.arange(150)
        points = algorithm.probe.points(np.zeros((size, 150)), numbers, at, np.zeros(150, dtype=np.int64))
        gradient = algorithm.gradient(at, values, size)
        assert gradient is not None
        here = SGD(0.01).step(problem.policy[0], gradient)[problem.order]
        released = problem.released({"es_est_type": estimator})
        there = released.step(points[problem.order].T, values[:150], problem.theta, values[150])
        print(
            f"| {estimator} | {np.abs(here - there).max():.0e} of a step of {np.abs(here - problem.theta).max():.2g} |"
        )


def other_differences() -> None:
    """The last table: what the means above do not show."""
    print("\n| what else | released | package |\n|---|---|---|")
    problem, generator = Problem("NavigationTask4corner", (32,), trained=False), np.random.default_rng(0)
    policy, released = problem.ours({}).policy, problem.released({})
    np.random.seed(0)  # noqa: NPY002 the released code's generator
    there = np.array([released.config.rl_policy_fn().get_initial() for _ in range(1000)])
    here = np.array([policy.initial(generator) for _ in range(1000)])
    start = 0
    for inputs, outputs in problem.layers:
        weights = slice(start, start + inputs * outputs)
        start += (inputs + 1) * outputs
        both = " | ".join(f"{each[:, weights].std():.2f}" for each in (there, here))
        print(f"| std of first weights, {inputs} to {outputs} | {both} |")
    theirs, ours = MONTE_CARLO[ITS]
    session = problem.ours(ours).evaluator.operator.adapt(
        problem.policy[0][:, None, None], normals(generator, policy.size)
    )
    next(session)
    try:
        session.send(np.full((1, 1, 21), SAME))
    except StopIteration as end:
        step = np.abs(end.value[:, 0, 0] - problem.policy[0]).max()
    released = problem.released(theirs)
    released.worker.task_value = lambda *args, **more: SAME
    moved = released.worker.adaptation_step(problem.theta, None, hyperparameters=[])
    print(f"| {ITS}: its step where all rewards are {SAME} | {np.abs(moved - problem.theta).max():.2g} | {step:.2g} |")
    problem = Problem("NavigationTask4corner")
    means = [problem.evaluated({"estimator": name}, 8000).after.mean() for name in ("vanilla", "antithetic")]
    text = "antithetic, K = 20: mean reward on four corners, the released one by our vanilla"
    print(f"| {text} | {means[0]:.1f} | {means[1]:.1f} |")
    problem = Problem("NavigationTask2d")
    released = problem.released(theirs)
    rewards = [
        released.worker.adaptation_task_value(
            problem.theta, released.task(TASKS[-1]), hyperparameters=released.observer
        )
        for _ in range(10)
    ]
    again = problem.evaluated(ours, 10 * len(TASKS)).after[len(TASKS) - 1 :: len(TASKS), 0]
    print(f"| different rewards after 10 adaptations to one goal | {len(set(rewards))} | {len(set(again.tolist()))} |")


def normals(generator: np.random.Generator, size: int) -> Callable[[int], np.ndarray]:
    """What an operator draws from: directions (size, 1, 1, count)."""
    return lambda count: generator.standard_normal((size, 1, 1, count))
