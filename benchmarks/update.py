"""The update of an iteration, by rank 0 alone and shared among the ranks, for a policy of many parameters.

    python benchmarks/update.py [--ranks 1 2] [--evaluations 3000] [--width 312] [--mpirun "mpirun --oversubscribe"]

Trains a few iterations of very short episodes, so that the directions are most of the work, and prints the median time
from the last evaluation's value to the new theta (``timing/update`` of the results file). Two layers of 312 units have
some 100,000 parameters. ``aggregator`` draws all directions again on rank 0; ``shared`` lets every rank sum its own.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ITERATIONS, DROPPED = 4, 1


def main() -> None:
    """Print a row for each number of ranks and way, in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--evaluations", type=int, default=3000, help="E, half of them perturbed (default 3000)")
    parser.add_argument("--width", type=int, default=312, help="of both hidden layers (default 312)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each, in turn (default 1)")
    parser.add_argument("--mpirun", default="mpirun --oversubscribe")
    options = parser.parse_args()
    half = options.evaluations // 2
    settings = {
        "policy.hidden": [options.width, options.width],
        "meta.perturbations": half,
        "meta.current_evaluations": half,
        "meta.iterations": ITERATIONS,
        "task.horizon": 1,
        "task.options.reward": '"squared_distance"',
        "adaptation.queries": 2,
        "task.batch_size": 1,
        "test.every": 0,
        "checkpoint.every": 0,
    }
    cases = {(n, way): [] for n in options.ranks for way in ("aggregator", "shared")}
    for _ in range(options.rounds):
        for (n, way), times in cases.items():
            launcher = [*options.mpirun.split(), "-n", str(n)] if n > 1 else []
            size, seconds = update_seconds(launcher, settings | {"run.update": f'"{way}"'})
            times.extend(seconds)
    print(f"d = {size}, E = {2 * half}")
    first = np.median(cases[options.ranks[0], "aggregator"])
    print(f"{'ranks':>5} {'update':>11} {'ms':>9} {'ratio':>6}")
    for (n, way), times in cases.items():
        print(f"{n:5} {way:>11} {np.median(times) * 1e3:9.1f} {first / np.median(times):6.2f}")


def update_seconds(launcher: list[str], settings: dict) -> tuple[int, list[float]]:
    """Number of parameters d, and seconds of each iteration's update but the first ones'."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "update.h5"
        command = [*launcher, sys.executable, "-m", "esmaml_mpi", "train", str(ROOT / "configs/four_corners.toml")]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        subprocess.run([*command, "--output", str(output)], check=True, stdout=subprocess.DEVNULL)
        with h5py.File(output) as file:
            return file["checkpoint/theta"].size, file["timing/update"][DROPPED:].tolist()


if __name__ == "__main__":
    main()
