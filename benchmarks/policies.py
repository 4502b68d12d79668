"""How fast policies act: microseconds a step of a batch, compiled and in NumPy, recurrent cells beside plain layers.

    python benchmarks/policies.py [--batch 256]

Eight observations, four actions. Each figure is processor time, the least of several turns.
"""

import argparse
import time

import numpy as np

from esmaml_mpi.native import door
from esmaml_mpi.policies import POLICIES

SIZES = ((8,), (32,))
TURNS, STEPS = 7, 50


def microseconds(policy, batch):
    """Of a step of a batch."""
    generator = np.random.default_rng(0)
    parameters, seen = generator.normal(0, 0.3, (policy.size, batch)), generator.normal(size=(8, batch))
    bound = policy.bind(parameters, np.zeros(8), np.ones(8))
    bound.act(seen)
    turns = []
    for _ in range(TURNS):
        start = time.process_time()
        for _ in range(STEPS):
            bound.act(seen)
        turns.append((time.process_time() - start) / STEPS)
    return min(turns) * 1e6


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=256)
    batch = parser.parse_args().batch
    sets = [door.names()[0], door.NUMPY] if door.names()[0] != door.NUMPY else [door.NUMPY]
    print(f"| policy | d | {' | '.join(sets)} |")
    for name in POLICIES:
        for hidden in SIZES:
            policy, figures = POLICIES.find(name)(8, 4, hidden), []
            for native in sets:
                with door.using(native):
                    figures.append(microseconds(policy, batch))
            columns = " | ".join(f"{each:,.0f}" for each in figures)
            print(f"| {name} {hidden[0]} | {policy.size} | {columns} |", flush=True)


if __name__ == "__main__":
    main()
