"""Few-shot sinusoid regression: MAML, first-order MAML and Evo-MAML, 5- and 10-shot, as Finn et al. (2017).

    python benchmarks/sinusoid.py train --seeds 5                  all of them; may be stopped and started again
    python benchmarks/sinusoid.py train --seeds 1 --shots 10 --systems maml
    python benchmarks/sinusoid.py show                             the table of what is there
    python benchmarks/sinusoid.py show --iterations 15000          and of what it was after so many

Published: two hidden layers of 40 ReLU, inner step 0.01, 25 tasks an iteration, Adam 0.001, K query samples, amplitudes
0.1 to 5, phases 0 to pi, inputs within +-5. Ours: initial weights N(0, 2 / inputs), 70000 iterations by default (as
Finn's code), tests on 600 tasks of 100 query samples, Evo-MAML's constants (see ``esmaml_mpi/baselines/evolution.py``).

Each run is a group of an HDF5 file and is saved every 1000 iterations, from where it goes on. One process at a time
may write to it.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("NPROC", "1")  # XLA's threads; these networks keep one core busy at best

import h5py
import numpy as np

from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.few_shot import FewShot
from esmaml_mpi.baselines.regression import MAML, EvoMAML
from esmaml_mpi.meta.optimizers import Adam
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.reproducibility.randomness import Purpose, Streams
from esmaml_mpi.tasks import make_family

NETWORK = Policy(1, 1, (40, 40), "relu", "identity")
SYSTEMS = {
    "maml": MAML(NETWORK),
    "first-order maml": MAML(NETWORK, first_order=True),
    "evo-maml": EvoMAML(NETWORK, evolution=Evolution()),
}
TEST_TASKS, TEST_STEPS, TEST_SAMPLES = 600, 10, 100
EVERY = 1000  # iterations between tests, each of which is saved


def main() -> None:
    """Train or show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("train", "show"))
    parser.add_argument("--file", type=Path, default=Path("results/sinusoid.h5"))
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--iterations", type=int, default=70_000, help="the most, in the table too")
    given = parser.parse_args()
    if given.iterations % EVERY:
        parser.error(f"--iterations {given.iterations}: a multiple of {EVERY} is wanted.")
    if given.command == "train":
        given.file.parent.mkdir(parents=True, exist_ok=True)
        for seed in range(given.seeds):
            for shots in given.shots:
                for name in given.systems:
                    train(given.file, name, shots, seed, given.iterations)
    show(given.file, given.iterations)


def train(path: Path, name: str, shots: int, seed: int, iterations: int) -> None:
    """One run, from where it stopped."""
    system = FewShot(SYSTEMS[name], make_family("sinusoid"), Streams(seed), shots, query_size=shots)
    optimizer, key = Adam(0.001), f"{name}/{shots}/{seed}"
    theta = NETWORK.initial(system.streams.generator(Purpose.INITIAL_POLICY))
    with h5py.File(path, "a") as file:
        if key in file:
            saved = {name: dataset[()] for name, dataset in file[key].items()}
            theta, tests = saved["theta"], list(saved["error"])
            optimizer.restore(saved)
        else:
            tests = [tested(system, theta)]
    for start in range(EVERY * (len(tests) - 1), iterations, EVERY):
        began = time.perf_counter()
        for iteration in range(start, start + EVERY):
            gradient, _ = system.gradient(theta, iteration)
            theta = optimizer.step(theta, gradient)
        tests.append(tested(system, theta))
        save(path, key, {"theta": theta, "error": np.array(tests), **optimizer.to_arrays()})
        after = ", ".join(f"{tests[-1][0, step]:.3g}" for step in (0, 1, TEST_STEPS))
        seconds = time.perf_counter() - began
        print(f"{key} iteration {start + EVERY}: {after} after 0, 1, {TEST_STEPS} steps ({seconds:.0f} s)", flush=True)


def tested(system: FewShot, theta: np.ndarray) -> np.ndarray:
    """Test errors (3, TEST_STEPS + 1) after 0, 1, .. steps: mean and median over tasks, and the share of tasks that do
    worse than before.
    """
    with np.errstate(all="ignore"):  # some tasks diverge in ten steps
        errors = -system.test(theta, TEST_TASKS, TEST_STEPS, TEST_SAMPLES)
    worse = ~(errors <= errors[:, :1])  # true for nan
    return np.stack([errors.mean(axis=0), np.median(errors, axis=0), worse.mean(axis=0)])


def save(path: Path, key: str, arrays: dict[str, np.ndarray]) -> None:
    """Replace the run's group, in a copy that then takes the file's place: a kill leaves the old one."""
    copy = path.with_suffix(".new")
    with h5py.File(copy, "w") as new:
        if path.exists():
            with h5py.File(path, "r") as old:
                for name in (n for n in runs(old) if n != key):
                    old.copy(name, new, name)
        group = new.create_group(key)
        for name, array in arrays.items():
            group[name] = array
        group["error"].attrs["meaning"] = "mean squared error on test tasks: (test, statistic, inner steps)"
        group["error"].attrs["statistic"] = "mean over tasks, median, share of tasks worse than before"
        group["error"].attrs["iterations_between_tests"] = EVERY
    copy.replace(path)


def runs(file: h5py.File) -> list[str]:
    """Names of all runs in a file."""
    return [f"{a}/{b}/{c}" for a in file for b in file[a] for c in file[a][b]]


def show(path: Path, iterations: int) -> None:
    """Markdown table of the last test of each run up to these iterations: mean and population standard deviation over
    seeds.

    Training is for one step. Of ten, some tasks diverge at this step size, and a mean would be about those: medians.
    """
    found = {}
    with h5py.File(path, "r") as file:
        for name in runs(file):
            system, shots, _ = name.split("/")
            errors = file[name]["error"][: iterations // EVERY + 1]
            found.setdefault((int(shots), system, EVERY * (len(errors) - 1)), []).append(errors[-1])
    columns = {"before": (0, 0), "1 step": (0, 1), "1 step, median": (1, 1), "10 steps, median": (1, 10)}
    columns["worse after 10"] = (2, 10)
    print(f"| K | system | iterations | seeds | {' | '.join(columns)} |\n|{'---|' * (4 + len(columns))}")
    for (shots, system, reached), rows in sorted(found.items()):
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = " | ".join(f"{mean[at]:.3f} +- {spread[at]:.3f}" for at in columns.values())
        print(f"| {shots} | {system} | {reached} | {len(rows)} | {cells} |")


if __name__ == "__main__":
    main()
