"""Where the queries of an adaptation end: whether they can see what there is to be found.

    python benchmarks/query_reach.py results/inner_lengths/paper/*_seed0.h5

For each results file of a run on four corners, at its last iteration, 10 adaptations a corner: the median distance from
the origin at which queries end, the share of them that come within 2 of any corner, and the share of adapted policies
that come within 2 of theirs. Of a linear policy also the distance that sigma would explain: outputs whose biases move
by sigma are zero where the gain, the outputs' slope, has made up for them, so the median end of N(0, sigma^2) biases is
1.18 sigma / gain from the origin. Prints Markdown.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "analysis"))

import courses  # noqa: E402
from behaviour import Behaviour  # noqa: E402

from esmaml_mpi.adaptation.meta_parameters import own_size  # noqa: E402
from esmaml_mpi.results.reader import Results, read  # noqa: E402
from esmaml_mpi.tasks.four_corners import CORNERS, RADIUS_SQUARED  # noqa: E402

ADAPTATIONS = 10
MEDIAN = math.sqrt(2 * math.log(2))  # of the length of two standard normals


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="RESULTS")
    print("| run | reward | gain | 1.18 sigma / gain | queries' ends | near a corner | adapted, near theirs |")
    print("|---|---|---|---|---|---|---|")
    for path in parser.parse_args().results:
        results = read(path)
        behaviour = Behaviour(results, "last", results.test_task_ids, ADAPTATIONS)
        tried = [walk for own in courses.explored(behaviour) for walk in own]
        seen = np.mean([any(near(walk, corner) for corner in CORNERS) for walk in tried])
        found = [
            near(walk, CORNERS[task])
            for task, own in zip(behaviour.tasks, behaviour.paths("after"), strict=True)
            for walk in own
        ]
        reward = np.nanmean(results.history["test"]["after"][-1])
        cells = [
            Path(path).stem,
            f"{reward:.0f}",
            *explained(results, behaviour),
            f"{np.median([np.hypot(*walk[-1]) for walk in tried]):.2f}",
            f"{seen:.0%}",
            f"{np.mean(found):.0%}",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def near(walk: np.ndarray, corner: np.ndarray) -> bool:
    """Whether a walk (steps + 1, 2) comes within 2 of a corner."""
    return bool(((walk - corner) ** 2).sum(axis=1).min() < RADIUS_SQUARED)


def explained(results: Results, behaviour: Behaviour) -> tuple[str, str]:
    """A linear policy's gain, outputs a unit of distance towards the origin, and what it makes of sigma."""
    operator, policy = behaviour.operator, behaviour.setup.policy
    if results.config.policy.hidden or not hasattr(operator, "sigma"):
        return "", ""
    theta, _, std = (results.parameters("last"))[1:]
    weights = theta[: policy.size - 2].reshape(2, 2)
    gain = -np.mean(np.diag(weights) / std)
    sigma = operator.sigma
    if own_size(operator, policy):
        factors = operator.factors(theta[policy.size :], policy)
        scales = factors.get("scales", np.ones(policy.size))
        sigma *= float(factors.get("sigma", np.ones(1))[0] * np.sqrt(np.mean(scales[-2:] ** 2)))
    return f"{gain:.2f}", f"{MEDIAN * sigma / gain:.2f}"


if __name__ == "__main__":
    main()
