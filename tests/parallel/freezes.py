"""Freeze ranks at random instants, as SIGSTOP does, and compare with the undisturbed run.

    python tests/parallel/freezes.py [--freezes 50] [--seed 0] [--ranks 4] [--set meta.algorithm=first_order]

Half of the frozen ranks are released after some seconds, and the run has to have waited for them; the others never are,
and are to be given up (``run.frozen_after``). With fault tolerance the survivors finish; without it the job ends with a
code that is not 0 and is resumed. Prints the counts; exits with 1 if a job hangs or any bit differs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chaos import kill_all, wait_for_iterations, wait_for_ranks
from files import differences, iterations
from mpirun import FAULT_TOLERANCE, SMALL, ranks_of, run, start, train_arguments

LIMIT = 8  # run.frozen_after
SETTINGS = {
    **SMALL,
    "meta.iterations": 150,
    "test.every": 10,
    "checkpoint.every": 3,
    "meta.perturbations": 16,
    "run.frozen_after": LIMIT,
}


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freezes", type=int, default=50, help="ranks to freeze (default 50)")
    parser.add_argument("--ranks", type=int, default=4, help="of a job (default 4)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants and victims (default 0)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="of the run; repeatable"
    )
    parser.add_argument("--patience", type=float, default=120.0, help="seconds that a job may take (default 120)")
    options = parser.parse_args()
    SETTINGS.update(setting.split("=", 1) for setting in options.set)
    chance = random.Random(options.seed)
    counts = dict.fromkeys(("released", "given up", "rank 0", "ended and resumed", "hangs", "differ"), 0)
    given_up: list[float] = []  # seconds from the freeze to the end of the frozen process
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "undisturbed.h5"
        done = run(train_arguments(SETTINGS, reference), timeout=options.patience)
        assert done.returncode == 0, done.stderr
        frozen = jobs = 0
        while frozen < options.freezes:
            output = Path(folder) / f"freezes{jobs}.h5"
            frozen += disturbed(output, options.ranks, options.patience, chance, counts, given_up)
            jobs += 1
            if iterations(output) < int(SETTINGS["meta.iterations"]) or differences(reference, output):
                counts["differ"] += 1
    shown = ", ".join(f"{name} {count}" for name, count in counts.items())
    middle = sorted(given_up)[len(given_up) // 2] if given_up else 0.0
    print(
        f"{frozen} freezes in {jobs} jobs of {options.ranks} ranks: {shown}; given up after {middle:.1f} s (median), "
        f"{max(given_up, default=0.0):.1f} s (longest), with run.frozen_after = {LIMIT}",
        flush=True,
    )
    return 1 if counts["hangs"] or counts["differ"] else 0


def disturbed(
    output: Path, ranks: int, patience: float, chance: random.Random, counts: dict[str, int], given_up: list[float]
) -> int:
    """One job, with or without fault tolerance, until it is complete; ranks frozen on the way."""
    tolerant = chance.random() < 0.5
    job = start(train_arguments(SETTINGS, output), ranks, *(FAULT_TOLERANCE if tolerant else ()))
    alive = wait_for_ranks(job, ranks)
    wait_for_iterations(job, output, 1, patience)
    frozen = 0
    while job.poll() is None and len(alive) > 1 and frozen < 2:
        time.sleep(chance.uniform(0.0, 0.5))
        victim = chance.choice(alive)
        if job.poll() is not None or victim not in ranks_of(job.pid):
            break
        os.kill(victim, signal.SIGSTOP)
        began = time.monotonic()
        frozen += 1
        counts["rank 0"] += victim == alive[0]
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0.1, 6.0))
            try:
                os.kill(victim, signal.SIGCONT)
                counts["released"] += 1
                continue
            except ProcessLookupError:  # on a busy machine it has been given up before that
                pass
        while victim in ranks_of(job.pid) and time.monotonic() - began < patience:
            time.sleep(0.05)
        given_up.append(time.monotonic() - began)
        counts["given up"] += 1
        alive.remove(victim)
    try:
        said, _ = job.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        counts["hangs"] += 1
        kill_all(job)
        said, _ = job.communicate()
        print(f"{'with' if tolerant else 'without'} fault tolerance a job hangs:\n{said}", flush=True)
    if job.returncode != 0:
        if tolerant:
            print(f"with fault tolerance exit code {job.returncode}:\n{said}", flush=True)
            counts["hangs"] += 1
        counts["ended and resumed"] += 1
        again = run(train_arguments(SETTINGS, output, "--resume"), ranks, timeout=patience)
        assert again.returncode == 0, again.stdout + again.stderr
    elif iterations(output) < int(SETTINGS["meta.iterations"]):
        print(f"exit code 0, but not complete:\n{said}", flush=True)
    return frozen


if __name__ == "__main__":
    sys.exit(main())
