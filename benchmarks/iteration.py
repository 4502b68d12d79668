"""Time of a paper-scale four-corner iteration on this machine's cores, and where it goes.

    python benchmarks/iteration.py mpirun -n 2          what launches the ranks; nothing for one process

Trains 40 iterations (150 + 150 evaluations, K = 20, 4 tasks) without tests and prints medians of the file's own
timings.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print a row for each architecture."""
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return
    names = ("broadcast", "evaluate", "gather", "update")
    print(f"{'policy':10} {'iteration':>11} " + " ".join(f"{name:>11}" for name in names) + "   (ms, median; rank 0)")
    with tempfile.TemporaryDirectory() as folder:
        for label, hidden in (("linear", "[]"), ("width 32", "[32]")):
            output = Path(folder) / "iteration.h5"
            settings = ("meta.iterations=40", "test.every=0", "checkpoint.every=0", f"policy.hidden={hidden}")
            command = [
                *sys.argv[1:],
                sys.executable,
                "-m",
                "esmaml_mpi",
                "train",
                str(ROOT / "configs/four_corners.toml"),
            ]
            command += [part for setting in settings for part in ("--set", setting)]
            subprocess.run([*command, "--output", str(output), "--overwrite"], check=True, stdout=subprocess.DEVNULL)
            with h5py.File(output) as file:
                times = [
                    np.median(file["train/seconds"][2:]),
                    *(np.median(file[f"timing/{name}"][2:]) for name in names),
                ]
            print(f"{label:10} {times[0] * 1e3:11.1f} " + " ".join(f"{t * 1e3:11.2f}" for t in times[1:]), flush=True)


if __name__ == "__main__":
    main()
