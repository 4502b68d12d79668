"""This package beside the code that was released with ES-MAML (google-research/google-research, folder ``es_maml``).

    OPENBLAS_NUM_THREADS=1 python benchmarks/beside_released_code.py FOLDER

FOLDER holds ``es_maml``, which it imports: get it first, it is not part of this project. Both adapt the same
meta-policies to the same tasks, with the released code's sigma, alpha, normalisation and horizon. First with the same
random numbers, so that rewards should differ by rounding alone; then each with its own, and Welch's interval of the
difference of the means. Then a meta-update from the same values. Prints Markdown; takes some four
minutes of processor time.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import numpy as np
from released_code import load
from released_parts import MEASURED, choices, meta_update, other_differences, row
from released_problem import DPP, FAMILIES, HILL, MONTE_CARLO, SCHEMES, TASKS, Problem, Settings, units

from esmaml_mpi.reproducibility.randomness import Purpose

PAIRED = 4  # adaptations with the same random numbers, one to each task
OWN, MORE = 200, 20  # adaptations of the released code with its own, and how many times as many of ours
CHEAP = [("NavigationTask4corner", 5), ("NavigationTask2d", 5)]
EVERYWHERE = [*CHEAP, *((name, 20) for name in FAMILIES)]
EQUAL = 1e-9  # relative: rewards that differ by less are the same up to rounding
NUDGES = 5  # trials of the released code with parameters that are changed by NUDGE
NUDGE = 1e-15


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
    """The second table: means after adaptations that share nothing; and what they have seen.

    Determinantal choices above all: no random numbers make both codes choose the same.
    """
    print(f"\n| family, linear policy | operator {MEASURED}")
    print("|---|---|---|---|---|---|")
    problems, seen = {name: Problem(name) for name in FAMILIES}, {}
    for operator, (theirs, ours) in (DPP | MONTE_CARLO | HILL).items():
        for name, queries in EVERYWHERE if operator in DPP else CHEAP:
            problem, where = problems[name], f"{name}, K = {queries}"
            released, rewards, states = problem.released({**theirs, "num_queries": queries}), [], []
            for i in range(OWN):
                rewards.append(released.adapted(problem.theta, released.task(TASKS[i % len(TASKS)]), 5000 + i))
                states.append(released.seen)
            outcome = problem.evaluated({**ours, "queries": queries}, OWN * MORE)
            row(where, operator, np.array(rewards), outcome.after[:, 0])
            if queries == 20:
                tally = outcome.tally
                here = np.concatenate([[tally.steps.sum()], tally.observation_sums.sum(axis=1)])
                seen[where] = spread(np.sum(states, axis=0), OWN), spread(here, OWN * MORE)
    print("\n| states that an adaptation adds to the normalisation | released | package |\n|---|---|---|")
    for where, both in seen.items():
        print(f"| {where}: how many; std of x, of y | {' | '.join(both)} |", flush=True)


def spread(sums: np.ndarray, adaptations: int) -> str:
    """Of how many states (1), sums (2) and sums of squares (2): how many an adaptation has, and their deviations."""
    count, first, second = sums[0], sums[1:3], sums[3:]
    std = np.sqrt(second / count - (first / count) ** 2)
    return f"{count / adaptations:.0f}; {std[0]:.2f}, {std[1]:.2f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", help="the folder that holds es_maml")
    load(parser.parse_args().folder)
    same_draws()
    own_draws()
    choices()
    meta_update()
    other_differences()


if __name__ == "__main__":
    main()
