"""This package beside the code that was released with ES-MAML (google-research/google-research, folder ``es_maml``).

    OPENBLAS_NUM_THREADS=1 python benchmarks/beside_released_code.py FOLDER

FOLDER holds ``es_maml``, which it imports: get it first, it is not part of this project. Both adapt the same
meta-policies to the same tasks, with the released code's sigma, alpha, normalisation and horizon. First with the same
random numbers, so that rewards should differ by rounding alone; then each with its own, and Welch's interval of the
difference of the means. Then a meta-update from the same values. Prints Markdown; takes about five minutes.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import numpy as np
from released_code import load
from released_problem import FAMILIES, TASKS, Problem, Settings, units
from scipy.stats import t as student

from esmaml_mpi.meta.optimizers import SGD
from esmaml_mpi.meta.zero_order import ZeroOrder
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round

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
PAIRED = 4  # adaptations with the same random numbers, one to each task
OWN, OWN_DPP, MORE = 200, 400, 20  # of the released code with its own, of a determinantal choice; so many times ours
EQUAL = 1e-9  # relative: rewards that differ by less are the same up to rounding
NUDGES = 5  # trials of the released code with parameters that are changed by NUDGE
NUDGE = 1e-15
MEASURED = "| released | package | difference | verdict |"


def relative(a: float, b: float) -> float:
    """The difference of two rewards, over the larger of them."""
    return abs(a - b) / max(abs(a), abs(b), 1e-300)


def same_draws() -> None:
    """The first table: the largest relative difference of any reward, over three meta-policies."""
    problems = {name: [Problem(name, trained=False), Problem(name), Problem(name, (32,))] for name in FAMILIES}
    print(f"\n| the same random numbers | {' | '.join(problems)} |")
    print("|---|---|---|---|")
    cells = [told([pair for each in own for pair in unadapted(each)]) for own in problems.values()]
    print(f"| theta + 0.1 g, not adapted | {' | '.join(cells)} |", flush=True)
    for name, (theirs, ours) in (MONTE_CARLO | HILL | SCHEMES).items():
        for queries in (20, 5):
            cells = [
                told([x for each in own for x in paired(each, queries, theirs, ours)]) for own in problems.values()
            ]
            print(f"| {name}, K = {queries} | {' | '.join(cells)} |", flush=True)


def unadapted(problem: Problem) -> Iterator[tuple[float, float]]:
    """As ``paired``, of policies around theta."""
    count, released, evaluator = 10 * len(TASKS), problem.released({}), problem.evaluator({})
    directions = np.random.default_rng(0).standard_normal((len(problem.theta), count))
    points = problem.policy[0][:, None] + 0.1 * directions
    rewards = evaluator.rollouts(points, units(count), problem.observer, Purpose.QUERY_EPISODE).after[:, 0]
    for i, (theta, ours) in enumerate(zip(points[problem.order].T, rewards, strict=True)):
        task = released.task(TASKS[i % len(TASKS)])
        theirs = released.reward(theta, task)
        change = relative(theirs, ours)
        yield change, nudged(partial(released.reward, task=task), theta, theirs) if change > EQUAL else 0.0


def paired(problem: Problem, queries: int, theirs: Settings, ours: Settings) -> Iterator[tuple[float, float]]:
    """Relative differences after adaptations with the same random numbers, and where they are more than rounding the
    most that the released code differs from itself.
    """
    released = problem.released({**theirs, "num_queries": queries})
    for i in range(PAIRED):
        number, seed = i % len(TASKS), 1000 + i
        task = released.task(TASKS[number])
        reward = released.adapted(problem.theta, task, seed)
        change = relative(reward, problem.adapted({**ours, "queries": queries}, number, seed))
        again = partial(released.adapted, task=task, seed=seed)
        yield change, nudged(again, problem.theta, reward) if change > EQUAL else 0.0


def nudged(reward: Callable[[np.ndarray], float], theta: np.ndarray, before: float) -> float:
    """The largest relative change of a reward where the last bits of theta change."""
    generator = np.random.default_rng(0)
    return max(
        relative(reward(theta * (1 + NUDGE * generator.standard_normal(len(theta)))), before) for _ in range(NUDGES)
    )


def told(pairs: list[tuple[float, float]]) -> str:
    """The largest difference that is rounding, how many are not, and of how many of these the released code itself
    differs as soon as the last bits of theta do.
    """
    text = f"{max(change for change, _ in pairs if change <= EQUAL):.0e}"
    others = [own > EQUAL for change, own in pairs if change > EQUAL]
    return text + (f"; {len(others)} of {len(pairs)} more, {sum(others)} unstable" if others else "")


def own_draws() -> None:
    """The second table: means after adaptations that share nothing; and what they have seen."""
    print(f"\n| family, linear policy | operator {MEASURED}")
    print("|---|---|---|---|---|---|")
    seen = {}
    for name in FAMILIES:
        problem = Problem(name)
        for queries in (20,) if name == "NavigationTaskCombo" else (20, 5):
            where = f"{name}, K = {queries}"
            for operator, (theirs, ours) in (MONTE_CARLO | HILL | DPP).items():
                released, count = (
                    problem.released({**theirs, "num_queries": queries}),
                    OWN_DPP if operator in DPP else OWN,
                )
                rewards, states = [], []
                for i in range(count):
                    rewards.append(released.adapted(problem.theta, released.task(TASKS[i % len(TASKS)]), 5000 + i))
                    states.append(released.seen)
                outcome = problem.evaluated({**ours, "queries": queries}, count * MORE)
                row(where, operator, np.array(rewards), outcome.after[:, 0])
                if operator == ITS and queries == 20:
                    mirrored = problem.evaluated({"estimator": "antithetic", "queries": queries}, count * MORE)
                    row(where, "the same; here mirrored pairs", np.array(rewards), mirrored.after[:, 0])
                    tally = outcome.tally
                    here = np.concatenate([[tally.steps.sum()], tally.observation_sums.sum(axis=1)])
                    seen[where] = spread(np.sum(states, axis=0), count), spread(here, count * MORE)
    print("\n| states that an adaptation adds to the normalisation | released | package |\n|---|---|---|")
    for where, both in seen.items():
        print(f"| {where}: how many; std of x, of y | {' | '.join(both)} |", flush=True)


def row(where: str, what: str, theirs: np.ndarray, ours: np.ndarray) -> None:
    """Means over tasks, which come in turn, and the 95 % interval of their difference, by Welch's t within tasks."""
    parts, freedom = [], 0.0
    for values in (theirs, ours):
        of_tasks = values.reshape(-1, len(TASKS))
        variances = of_tasks.var(axis=0, ddof=1) / len(of_tasks) / len(TASKS) ** 2
        parts.append(variances.sum())
        freedom += (variances**2).sum() / (len(of_tasks) - 1)
    half = student.ppf(0.975, sum(parts) ** 2 / freedom) * np.sqrt(sum(parts)) if freedom else 0.0
    difference = ours.mean() - theirs.mean()
    verdict = "same" if abs(difference) <= half else f"differs by {difference:.3g}"
    means = f"{theirs.mean():.5g} | {ours.mean():.5g}"
    print(f"| {where} | {what} | {means} | {difference:.3g} +- {half:.2g} | {verdict} |", flush=True)


def spread(sums: np.ndarray, adaptations: int) -> str:
    """Of how many states (1), sums (2) and sums of squares (2): how many an adaptation has, and their deviations."""
    count, first, second = sums[0], sums[1:3], sums[3:]
    std = np.sqrt(second / count - (first / count) ** 2)
    return f"{count / adaptations:.0f}; {std[0]:.2f}, {std[1]:.2f}"


def choices() -> None:
    """The third table, of determinantal choices: the mean square of the numbers of K chosen directions."""
    print(f"\n| DPP, rho = 5 | mean square of {MEASURED}")
    print("|---|---|---|---|---|---|")
    for hidden in ((), (32,)):
        problem = Problem("NavigationTask4corner", hidden, trained=False)
        released, (ours,) = problem.released({}), [ours for _, ours in DPP.values()]
        size, generator, sampler = len(problem.theta), np.random.default_rng(0), problem.ours(ours).sampler
        for queries in (20, 5):
            there, here = [], []
            for seed in range(OWN_DPP):
                candidates, chosen = released.determinantal(size, queries, seed)
                there.append((candidates[chosen] ** 2).mean())
                here.append((sampler.draw(generator, size, queries) ** 2).mean())
            row(f"d = {size}, K = {queries}", "chosen directions", np.array(there), np.array(here))


def meta_update() -> None:
    """The last table: theta after one meta-update from the same perturbations and values."""
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


def first_weights() -> None:
    """The standard deviation of the weights that each layer begins with."""
    problem = Problem("NavigationTask4corner", (32,), trained=False)
    streams, start = np.random.default_rng(0), 0
    there = np.array([problem.released({}).worker.get_initial() for _ in range(100)])
    here = np.array([problem.ours({}).policy.initial(streams) for _ in range(100)])
    print("\n| weights to begin with, std | released | package |\n|---|---|---|")
    for inputs, outputs in problem.layers:
        weights = slice(start, start + inputs * outputs)
        start += (inputs + 1) * outputs
        print(f"| {inputs} to {outputs} | {there[:, weights].std():.2f} | {here[:, weights].std():.2f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", help="the folder that holds es_maml")
    load(parser.parse_args().folder)
    same_draws()
    own_draws()
    choices()
    meta_update()
    first_weights()


if __name__ == "__main__":
    main()
