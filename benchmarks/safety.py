"""What safety costs when nothing fails, as ratios in one run, and what drawing units costs and gains.

    python benchmarks/safety.py

Four corners, linear, at the paper's scale on two ranks of Open MPI 5. Each setting is run several times in turn with
the plain one; the ratio is of the medians of the mean iteration times.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PLAIN = ("meta.iterations=60", "test.every=0", "checkpoint.every=0", "policy.hidden=[]")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--mpirun", default="mpirun --oversubscribe", help='launcher (default "mpirun --oversubscribe")'
    )
    parser.add_argument("--rounds", type=int, default=5, help="times each side is run (default 5)")
    options = parser.parse_args()
    launcher = options.mpirun.split()
    cases = {
        "--with-ft ulfm": (("--with-ft", "ulfm"), (), False),
        "asked to write at every iteration": ((), ("checkpoint.every=1",), False),
        "a write every 25 iterations (default)": ((), ("checkpoint.every=25",), False),
        "run.unit_timeout = 60": ((), ("run.unit_timeout=60.0",), False),
        "run.plan = dynamic": ((), ("run.plan=dynamic",), False),
        "run.plan = dynamic, one core busy": ((), ("run.plan=dynamic",), True),
    }
    for name, (flags, settings, busy) in cases.items():
        pairs = []
        with busy_core() if busy else contextlib.nullcontext():
            for _ in range(options.rounds):
                pairs.append((iteration(launcher, (), ()), iteration(launcher, flags, settings)))
        plain, other = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"{name:40} {plain * 1e3:7.1f} ms -> {other * 1e3:7.1f} ms an iteration, ratio {other / plain:.3f}",
            flush=True,
        )


def iteration(launcher, flags, settings) -> float:
    """Mean seconds of an iteration, with what a thread that writes beside it costs.

    Writes that are asked for while one is under way become one.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "safety.h5"
        command = [*launcher, *flags, "-n", "2", "--bind-to", "core", sys.executable, "-m", "esmaml_mpi", "train"]
        command += [str(ROOT / "configs/four_corners.toml"), "--output", str(output)]
        command += [part for setting in (*PLAIN, *settings) for part in ("--set", setting)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with h5py.File(output) as file:
            return float(np.mean(file["train/seconds"][5:]))


@contextlib.contextmanager
def busy_core():
    """Another program on the second core: what an uneven machine looks like."""
    program = "import os\nos.sched_setaffinity(0, {max(os.sched_getaffinity(0))})\nwhile True: pass"
    other = subprocess.Popen([sys.executable, "-c", program], env=os.environ)
    try:
        yield
    finally:
        other.kill()
        other.wait()


if __name__ == "__main__":
    main()
