"""How long an iteration of PG-MAML takes on some ranks, more than there are tasks or not.

    python benchmarks/shares.py [--beside FOLDER] [--rounds 3] [--set SECTION.KEY=VALUE]

Trains on HalfCheetah with 2 tasks on one and on two ranks, with 1 task on one and on two, and prints the median time of
an iteration after the first two, which compile. ``--beside``: another checkout of this package; both run in turn, and
the ratio of their medians is printed. Needs JAX, MuJoCo and mpirun.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

SETTINGS = {
    "task.name": "half_cheetah_forward_backward",
    "task.horizon": 100,
    "policy.output": "identity",
    "policy.activation": "tanh",
    "policy.hidden": "[32, 32]",
    "adaptation.operator": "policy_gradient",
    "meta.algorithm": "pg_maml",
    "meta.iterations": 6,
    "meta.line_search": 1,  # so that all iterations ask the same
    "test.every": 0,
    "test.repeats": 1,
}
CASES = [(2, 1), (2, 2), (1, 1), (1, 2)]  # tasks, ranks
HERE = Path(__file__).parents[1]


def seconds(package: Path, tasks: int, ranks: int, settings: dict[str, str], folder: Path) -> list[float]:
    """Of the iterations of one run."""
    output = folder / "run.h5"
    chosen = {**SETTINGS, "task.batch_size": tasks, **settings}
    sets = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "esmaml_mpi", "train", os.devnull, *sets, "--output", str(output), "--overwrite"]
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", *command]
    environment = {**os.environ, "PYTHONPATH": str(package), "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    with h5py.File(output) as file:
        return file["train/seconds"][2:].tolist()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="another checkout of this package")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each case (default 3)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="of all runs")
    options = parser.parse_args()
    settings = dict(each.split("=", 1) for each in options.set)
    packages = [HERE, *([options.beside.resolve()] if options.beside else [])]
    found: dict[tuple[int, int, Path], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for tasks, ranks in CASES:
                for package in packages:
                    times = seconds(package, tasks, ranks, settings, Path(folder))
                    found.setdefault((tasks, ranks, package), []).extend(times)
    print("| tasks | ranks | iteration, s |" + " beside, s | ratio |" * (len(packages) > 1))
    print("| --- | --- | --- |" + " --- | --- |" * (len(packages) > 1))
    for tasks, ranks in CASES:
        here, *other = (statistics.median(found[tasks, ranks, package]) for package in packages)
        print(f"| {tasks} | {ranks} | {here:.3g} |" + "".join(f" {each:.3g} | {here / each:.2f} |" for each in other))


if __name__ == "__main__":
    main()
