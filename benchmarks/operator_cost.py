"""What an adaptation costs beside its rollouts: processor time of directions and linear algebra, and of simulation.

    python benchmarks/operator_cost.py [--family half_cheetah_forward_backward]

For each operator with 21 rollouts per adaptation to one task: the processor time of simulating them, of drawing
directions, and of all else the operator does. Adaptations are batched as a training rank batches them. Medians, one
thread. Prints Markdown; takes about half a minute.
"""

import argparse
import os
import statistics
import time
from contextlib import contextmanager

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.tasks.workspace import Workspace

CLIMB = {"operator": "hill_climbing"}
OPERATORS = {
    "MC": {},
    "MC, orthogonal": {"directions": "orthogonal"},
    "MC, hadamard": {"directions": "hadamard"},
    "MC, quasi-Monte Carlo": {"directions": "quasi_monte_carlo"},
    "DPP, rho = 5": {"directions": "dpp", "direction_options": {"rho": 5}},
    "DPP, rho = 10": {"directions": "dpp"},
    "MC, ridge": {"decoder": "ridge"},
    "MC, lasso": {"decoder": "lasso"},
    "hill climbing": CLIMB,
    "hill climbing, average of 3": {**CLIMB, "scheme": "average", "evaluations": 3, "queries": 6},
    "hill climbing, batch of 3": {**CLIMB, "scheme": "batch", "evaluations": 3, "queries": 6},
    "population search": {"operator": "population_search", "population": 7, "survivors": 2, "generations": 3},
    "chain: MC 10, hill climbing 9": {
        "operator": "chain",
        "links": [{"operator": "es_gradient", "queries": 10}, {"operator": "hill_climbing", "queries": 9}],
    },
}
PARTS = ("simulation", "directions", "rest")


def main() -> None:
    """Print the tables."""
    options = _parser().parse_args()
    widths = {"linear": [], "width 32": [32]}
    for name, hidden in widths.items():
        policy = {"hidden": hidden}
        experiment = build(options.family, policy, {})
        print(f"\n{options.family}, {name}, d = {experiment.policy.size}: ms per adaptation to one task\n")
        print("| operator | rollouts | simulation | directions | linear algebra and the rest | share of these two |")
        print("|---|---|---|---|---|---|")
        for label, adaptation in OPERATORS.items():
            experiment = build(options.family, policy, adaptation)
            times = [measure(experiment, options.batch) for _ in range(options.rounds + 1)][1:]
            costs = [1e3 * statistics.median(each[part] for each in times) for part in PARTS]
            share = sum(costs[1:]) / sum(costs)
            cells = [label, str(experiment.evaluator.operator.rollouts), *(f"{cost:.3g}" for cost in costs)]
            print(f"| {' | '.join(cells)} | {share:.0%} |", flush=True)


def build(family: str, policy: dict, adaptation: dict) -> Experiment:
    """An experiment on the first task of this family."""
    config = load({"task": {"name": family}, "policy": policy, "adaptation": adaptation}).resolved()
    return Experiment(config, Phase.TEST, [0], 1)


def measure(experiment: Experiment, batch: int) -> dict:
    """Seconds per adaptation of each part; ``batch`` adaptations at once."""
    spent = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def clock(part):
        start = time.process_time()
        yield
        spent[part] += time.process_time() - start

    setup, operator = experiment.evaluator.setup, experiment.evaluator.operator
    experiment.held_out = type(experiment.held_out)((0,), batch)
    units = experiment.held_out.units(Round(Phase.TEST, 0), range(batch))
    size = experiment.family.observation_size
    trials = Trials(setup, units, Observer(np.zeros(size), np.ones(size)), Workspace(), Purpose.QUERY_EPISODE)

    def normals(count):
        with clock("directions"):
            return trials.normals(count)

    points = experiment.held_out.points(experiment.initial_theta(), range(batch))[:, :, None].copy()
    whole = time.process_time()
    session = operator.adapt(points, normals)
    try:
        queries = next(session)
        while True:
            with clock("simulation"):
                rewards = trials.evaluate(queries)
            queries = session.send(rewards)
    except StopIteration:
        pass
    spent["rest"] = time.process_time() - whole - spent["simulation"] - spent["directions"]
    return {part: seconds / batch for part, seconds in spent.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="four_corners", help="task family (default four_corners)")
    parser.add_argument("--batch", type=int, default=40, help="adaptations at once (default 40)")
    parser.add_argument("--rounds", type=int, default=5, help="times each operator is measured (default 5)")
    return parser


if __name__ == "__main__":
    main()
