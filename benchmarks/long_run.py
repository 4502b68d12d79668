"""Memory and file size of a long run of a tiny configuration, in one process and under mpirun.

    python benchmarks/long_run.py                       10,000 iterations, alone and on 3 ranks
    python benchmarks/long_run.py --iterations 2000 --launcher "mpirun --oversubscribe -n 3"

Prints the resident memory of each rank and the size of the results file at a tenth of the iterations and at the end.
Rows go to the file as they come, so neither rank 0 nor the workers may grow.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
from memory import descendants

# Eight evaluations of two rollouts of five steps, about 2 ms; the file is written seldom, so that this is not the time.
TINY = {
    "policy.hidden": "[]",
    "task.horizon": 5,
    "task.options.reward": "distance",
    "adaptation.queries": 1,
    "adaptation.estimator": "vanilla",
    "meta.perturbations": 4,
    "meta.current_evaluations": 4,
    "test.every": 100,
    "test.repeats": 1,
    "checkpoint.minutes": 600.0,
}


def measure(launcher: list[str], iterations: int, folder: Path) -> list[tuple[int, list[int], int]]:
    """Run it; (iterations done, resident KiB of each rank in rank order, file bytes) at a tenth and at the end.

    A sample is taken when the file is written anew, which is after these iterations.
    """
    output, config = folder / "run.h5", folder / "empty.toml"
    output.unlink(missing_ok=True)
    config.write_text("")
    settings = {**TINY, "meta.iterations": iterations, "checkpoint.every": iterations // 10}
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [*launcher, sys.executable, "-m", "esmaml_mpi", "train", str(config), *sets, "--output", str(output)]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    samples, seen = {}, None
    while job.poll() is None:
        time.sleep(0.01)
        if output.exists() and output.stat().st_mtime_ns != seen:
            seen, ranks = output.stat().st_mtime_ns, resident(job.pid)
            with h5py.File(output, "r", locking=False) as file:
                samples.setdefault(int(file["checkpoint/iteration"][()]), (ranks, output.stat().st_size))
    if job.returncode:
        raise SystemExit(f"the run ended with code {job.returncode}")
    first, last = (
        iterations // 10,
        max(done for done, (ranks, _) in samples.items() if len(ranks) == len(samples[0][0])),
    )
    return [(done, *samples[done]) for done in (first, last)]


def resident(pid: int) -> list[int]:
    """KiB of resident memory of the ranks of a job, in order of their start."""
    sizes = []
    for child in sorted({pid, *descendants(pid)}):
        try:
            if "esmaml_mpi" not in Path(f"/proc/{child}/cmdline").read_text().split("\0")[1:4]:
                continue
            sizes.append(int(Path(f"/proc/{child}/status").read_text().split("VmRSS:")[1].split()[0]))
        except (OSError, IndexError):
            continue  # it has ended
    return sizes


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=10_000)
    parser.add_argument("--launcher", action="append", help="repeatable; default: none, and mpirun on 3 ranks")
    options = parser.parse_args()
    for launcher in options.launcher or ["", "mpirun --oversubscribe --bind-to none -n 3"]:
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            (first, ranks, size), (last, later, larger) = measure(launcher.split(), options.iterations, Path(folder))
            print(f"{launcher or 'one process'}: {options.iterations} iterations, {time.monotonic() - start:.0f} s")
        for rank, (a, b) in enumerate(zip(ranks, later, strict=True)):
            growth = f", {1024 * (b - a) / (last - first):.0f} bytes an iteration" if rank == 0 else ""
            print(
                f"  rank {rank}: {a / 1024:.1f} MiB after {first}, {b / 1024:.1f} MiB after {last} iterations{growth}"
            )
        print(
            f"  file: {size} bytes, {larger} bytes: {(larger - size) / (last - first):.0f} bytes an iteration",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
