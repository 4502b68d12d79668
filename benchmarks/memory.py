"""Memory of a job while it runs: proportional set size (PSS: shared pages divided among their users) of all its ranks.

    python benchmarks/memory.py mpirun -n 301 --oversubscribe esmaml train configs/four_corners.toml \\
        --set meta.iterations=3 --output /tmp/memory.h5

Samples every second and reports the sample with the largest sum.
"""

import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Run the command given and print what it used."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 2
    job = subprocess.Popen(sys.argv[1:])
    start, largest = time.monotonic(), []
    while job.poll() is None:
        sizes = sorted(filter(None, map(pss, [job.pid, *descendants(job.pid)])))
        if sum(sizes) > sum(largest):
            largest = sizes
        time.sleep(1)
    if not largest:
        print("no Python process was seen")
        return job.returncode
    print(
        f"{len(largest)} ranks, {time.monotonic() - start:.0f} s: PSS sum {sum(largest) / 1024:.2f} GiB, "
        f"rank median {largest[len(largest) // 2]:.1f} MiB, largest {largest[-1]:.1f} MiB"
    )
    return job.returncode


def descendants(pid: int) -> list[int]:
    """Process ids below a process."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in tasks.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def pss(pid: int) -> float:
    """MiB of a Python process, 0 for any other or one that has ended."""
    try:
        if "python" not in Path(f"/proc/{pid}/exe").resolve().name:
            return 0.0
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
