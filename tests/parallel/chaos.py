"""Kill ranks and whole jobs at random instants and compare with the undisturbed run.

    python tests/parallel/chaos.py [--kills 50] [--jobs 50] [--seed 0] [--set meta.algorithm=first_order]
    python tests/parallel/chaos.py --without meta.perturbations --set meta.algorithm=pg_maml ... --within 15

``--kills``: SIGKILLs of single ranks, the aggregator included, in jobs that are to survive them. ``--jobs``: SIGKILLs
of every process of a job, which is then resumed. Prints the counts; exits with 1 if any bit differs.

A run that compiles for seconds before its first iteration wants a larger ``--within`` and ``--patience``.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import h5py
from files import differences, iterations
from mpirun import FAULT_TOLERANCE, SMALL, ranks_of, run, start, train_arguments

SETTINGS = {**SMALL, "meta.iterations": 150, "test.every": 10, "checkpoint.every": 3, "meta.perturbations": 16}
MPI_CRASHED = "Signal: Segmentation fault"


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="single ranks to kill (default 50)")
    parser.add_argument("--jobs", type=int, default=50, help="whole jobs to kill (default 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants and victims (default 0)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="of the run; repeatable"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="SECTION.KEY", help="not to be set; repeatable"
    )
    parser.add_argument("--within", type=float, default=2.0, help="seconds in which jobs are killed (default 2)")
    parser.add_argument("--patience", type=float, default=40.0, help="seconds that a job may take (default 40)")
    options = parser.parse_args()
    SETTINGS.update(setting.split("=", 1) for setting in options.set)
    SETTINGS["meta.iterations"] = int(SETTINGS["meta.iterations"])
    for key in options.without:
        del SETTINGS[key]
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "undisturbed.h5"
        done = run(train_arguments(SETTINGS, reference), timeout=max(120, options.patience))
        assert done.returncode == 0, done.stderr
        survived = survive(Path(folder), reference, options.kills, options.patience, chance)
        resumed = resume(Path(folder), reference, options.jobs, options.within, options.patience, chance)
    return 0 if survived and resumed else 1


def survive(folder: Path, reference: Path, kills: int, patience: float, chance: random.Random, ranks: int = 6) -> bool:
    """Kill ranks until ``kills`` died; each job loses all but one: one by one, two at once, or the second of two while
    the others recover from the first.
    """
    done = jobs = leaders = redone = wrong = together = following = ended = 0
    seconds: list[float] = []
    while done < kills:
        output = folder / f"ranks{jobs}.h5"
        job = start(train_arguments(SETTINGS, output), ranks, *FAULT_TOLERANCE)
        alive = wait_for_ranks(job, ranks)
        wait_for_iterations(job, output, 1, patience)
        while job.poll() is None and len(alive) > 1 and done < kills:
            time.sleep(chance.uniform(0.05, 0.5))
            how = chance.choice(("one", "one", "two at once", "during recovery"))
            victims = chance.sample(alive, min(1 if how == "one" else 2, len(alive) - 1, kills - done))
            if job.poll() is not None or not set(victims) <= set(ranks_of(job.pid)):
                break
            leaders += alive[0] in victims
            os.kill(victims[0], signal.SIGKILL)
            if len(victims) == 2:
                together += how == "two at once"
                following += how == "during recovery"
                time.sleep(chance.uniform(0.0, 0.01) if how == "during recovery" else 0.0)
                os.kill(victims[1], signal.SIGKILL)
            alive = [pid for pid in alive if pid not in victims]
            done += len(victims)
        printed, _ = job.communicate(timeout=patience)
        if MPI_CRASHED in printed and iterations(output) < SETTINGS["meta.iterations"]:  # what docs/failures.md admits
            ended += 1
            job = start(train_arguments(SETTINGS, output, "--resume"), ranks, *FAULT_TOLERANCE)
            printed, _ = job.communicate(timeout=patience)
        if job.returncode != 0 or differences(reference, output):
            wrong += 1
            print(f"job {jobs}: exit code {job.returncode}, differs in {differences(reference, output)}\n{printed}")
        with h5py.File(output) as file:
            redone += len(file["recovery/iteration"])
            seconds += file["recovery/seconds"][()].tolist()
        output.unlink()
        jobs += 1
        if jobs % 10 == 0:
            print(f"{done} ranks killed, {jobs} jobs, {ended} ended by MPI, {wrong} wrong", flush=True)
    milliseconds = [1e3 * s for s in sorted(seconds)] or [0.0]
    middle, late = (milliseconds[int(share * (len(milliseconds) - 1))] for share in (0.5, 0.99))
    print(
        f"{done} ranks killed in {jobs} jobs of {ranks} ranks, rank 0 among them {leaders} times, two at once "
        f"{together} times, the second during recovery {following} times; {redone} recoveries recorded, median "
        f"{middle:.0f} ms, 99th percentile {late:.0f} ms, slowest {milliseconds[-1]:.0f} ms; jobs that MPI ended by a "
        f"crash, and that were resumed: {ended}; jobs that failed or differ: {wrong}",
        flush=True,
    )
    return wrong == 0


def resume(
    folder: Path, reference: Path, kills: int, within: float, patience: float, chance: random.Random, ranks: int = 3
) -> bool:
    """Kill every process of a job at once, resume, kill again; a run that ends is compared and a new one begun."""
    done = runs = wrong = 0
    output = folder / "jobs0.h5"
    while done < kills or iterations(output) < SETTINGS["meta.iterations"]:
        job = start(train_arguments(SETTINGS, output, "--resume"), ranks if chance.random() < 0.5 else None)
        if done < kills:
            time.sleep(chance.uniform(0.3, within))
            if job.poll() is None:
                kill_all(job)
                done += 1
        job.communicate(timeout=patience)
        if iterations(output) == SETTINGS["meta.iterations"] and job.returncode == 0:
            wrong += bool(differences(reference, output))
            runs += 1
            if done < kills:
                output = folder / f"jobs{runs}.h5"
    print(f"{done} whole jobs killed during {runs} runs; runs that differ: {wrong}", flush=True)
    return wrong == 0


def kill_all(job) -> None:
    """SIGKILL the launcher and its ranks."""
    for pid in [*ranks_of(job.pid), job.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_for_ranks(job, count: int) -> list[int]:
    """Process ids of the ranks once all have started, rank 0 first."""
    deadline = time.monotonic() + 60
    while len(ranks_of(job.pid)) < count:
        assert job.poll() is None and time.monotonic() < deadline, "the job did not start"
        time.sleep(0.02)
    return ranks_of(job.pid)


def wait_for_iterations(job, output: Path, count: int, patience: float) -> None:
    """Until the file holds that many."""
    deadline = time.monotonic() + patience
    while iterations(output) < count:
        assert job.poll() is None and time.monotonic() < deadline, f"no {count} iterations in {patience:g} s"
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
