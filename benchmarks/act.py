"""How long one action of a trained policy takes beside a plain NumPy policy of the same size.

    python benchmarks/act.py [--calls N]

All take turns in the same run, on the same observations. Printed are the median of a call, its ratio to the plain
policy's, and the 99.9th percentile as a multiple of the own median: by the wall clock and in processor time, each the
median over twenty rounds. On a busy machine the wall clock is that of other programs too, as the plain policy's shows;
`chrt -f 1 python benchmarks/act.py` (as root) runs before them. Prints Markdown; takes a few seconds.
"""

import argparse
import itertools
import time
from collections.abc import Callable

import numpy as np

import esmaml_mpi
from esmaml_mpi.native import door

ROUNDS = 20
SIZES = {"linear": [], "width 32": [32], "two of 32": [32, 32]}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000, help="of each policy in each of twenty rounds")
    options = parser.parse_args()
    print(f"{door.described()}; {ROUNDS} rounds of {options.calls} calls each\n")
    print("| policy | who acts | median, microseconds | times plain NumPy | 99.9 % / median | in processor time |")
    print("|---|---|---|---|---|---|")
    for name, hidden in SIZES.items():
        meta, plain = trained(hidden)
        bound = meta.bind(meta.theta)
        actors = {
            "plain NumPy": plain.act,
            "MetaPolicy.act": lambda observation, meta=meta: meta.act(meta.theta, observation),
            "MetaPolicy.bind": bound.act,
        }
        observations = np.random.default_rng(0).standard_normal((1000, meta.interface.observation_size))
        for act in actors.values():
            np.testing.assert_allclose(act(observations[0]), plain.act(observations[0]), rtol=1e-12)
        wall, processor = (
            measured(actors, observations, options.calls, clock)
            for clock in (time.perf_counter_ns, time.thread_time_ns)
        )
        for who in actors:
            median = np.median(wall[who])
            tails = [tail(taken[who]) for taken in (wall, processor)]
            ratio = median / np.median(wall["plain NumPy"])
            print(f"| {name} | {who} | {median / 1e3:.2f} | {ratio:.2f} | {tails[0]:.1f} | {tails[1]:.1f} |")


def tail(taken: np.ndarray) -> float:
    """The 99.9th percentile over the median of a round, the median of rounds."""
    return float(np.median(np.quantile(taken, 0.999, axis=1) / np.median(taken, axis=1)))


def trained(hidden: list[int]) -> tuple[esmaml_mpi.MetaPolicy, "Plain"]:
    """CartPole's policy of four observations: the less there is to compute, the more a call's own cost shows."""
    config = {
        "task": {"name": "cartpole_sensor_bias", "horizon": 20},
        "policy": {"hidden": hidden},
        "meta": {"iterations": 1, "perturbations": 4, "current_evaluations": 1},
        "test": {"repeats": 1},
    }
    results = esmaml_mpi.train(config, quiet=True)
    _, theta, mean, std = results.parameters()
    return esmaml_mpi.MetaPolicy(results), Plain(theta, mean, std, [len(mean), *hidden, 1])


class Plain:
    """A policy as anybody would write it."""

    def __init__(self, theta: np.ndarray, mean: np.ndarray, std: np.ndarray, widths: list[int]):
        self.mean, self.std, self.layers, start = mean, std, [], 0
        for inputs, outputs in itertools.pairwise(widths):
            layer = theta[start : start + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
            self.layers.append((layer[:-1], layer[-1]))
            start += layer.size

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Outputs (m,)."""
        x = (observation - self.mean) / self.std
        for weights, biases in self.layers[:-1]:
            x = np.maximum(x @ weights + biases, 0.0)
        weights, biases = self.layers[-1]
        return np.tanh(x @ weights + biases)


def measured(actors: dict, observations: np.ndarray, calls: int, clock: Callable[[], int]) -> dict[str, np.ndarray]:
    """Nanoseconds (rounds, calls) of each, which take turns by rounds."""
    taken = {name: np.empty((ROUNDS, calls)) for name in actors}
    for number in range(ROUNDS):
        for name, act in actors.items():
            row = taken[name][number]
            for i in range(calls):
                observation = observations[i % len(observations)]
                start = clock()
                act(observation)
                row[i] = clock() - start
    return taken


if __name__ == "__main__":
    main()
