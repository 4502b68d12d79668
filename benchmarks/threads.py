"""How well threads of one process share the work of a rank, beside processes that share nothing.

    python benchmarks/threads.py [--threads 2] [--units 92 150] [--rounds 60] [--beside TREE]

Four corners, whole training units: random numbers, gradients and tallies too. Efficiency is the time of one thread over
the time of N, over N; one thread and N are timed in turn, in one process, and the least times count. That of
processes, N at once against one alone, is the machine's own bound: below 1, cores share something. TREE is another
checkout of this repository. Cores must be idle: on a machine that is not, real-time priority helps (chrt -f 10).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from workloads import MEAN, POLICIES, STD

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 0.3  # of each measurement of processes


def main() -> None:
    """Print the table, or answer requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="N (default 2)")
    parser.add_argument("--units", type=int, nargs="+", default=[92, 150], help="of a call (default 92 150)")
    parser.add_argument("--rounds", type=int, default=60, help="times each is measured (default 60)")
    parser.add_argument("--beside", type=Path, metavar="TREE", help="another source tree, in rows of its own")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        answer()
        return
    print(
        f"{'policy':9} {'units':>6} {'source':>9} {'1 thread':>10} {f'{options.threads} threads':>10}"
        f" {'efficiency':>11} {'processes':>10}"
    )
    trees = {"here": ROOT} | ({"beside": options.beside.resolve()} if options.beside else {})
    for policy in POLICIES:
        for units in options.units:
            for name, tree in trees.items():
                workers = [Worker(tree) for _ in range(options.threads)]
                one, many = workers[0].ask("threads", policy, units, options.threads, options.rounds)
                bound = processes(workers, policy, units, max(options.rounds // 8, 3))
                print(
                    f"{policy:9} {units:6} {name:>9} {one * 1e3:7.2f} ms {many * 1e3:7.2f} ms"
                    f" {one / many / options.threads:11.2f} {bound:10.2f}",
                    flush=True,
                )


class Worker:
    """A process that measures on request."""

    def __init__(self, tree: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command, pipes = [sys.executable, __file__, "--worker"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)

    def begin(self, *request) -> None:
        """Send a request."""
        print(json.dumps(request), file=self.process.stdin, flush=True)

    def answer(self):
        """What came of it."""
        return json.loads(self.process.stdout.readline())

    def ask(self, *request):
        """Both."""
        self.begin(*request)
        return self.answer()


def processes(workers: list[Worker], policy: str, units: int, rounds: int) -> float:
    """Efficiency of as many processes at once: the median over rounds of their rates, over that of one alone."""
    alone, together = [], []
    for _ in range(rounds):
        alone.append(workers[0].ask("rate", policy, units))
        for worker in workers:
            worker.begin("rate", policy, units)
        together.append(sum(worker.answer() for worker in workers))
    return statistics.median(together) / statistics.median(alone) / len(workers)


def answer() -> None:
    """Measure on request, a line of JSON each."""
    made = {}
    for line in sys.stdin:
        kind, policy, units, *rest = json.loads(line)
        threads, rounds = rest or (1, 0)
        for count in (1, threads):
            if (policy, count) not in made:
                made[policy, count] = calls(policy, count)
        found = timed(made, policy, units, threads, rounds) if kind == "threads" else rate(made[policy, 1], units)
        print(json.dumps(found), flush=True)


def calls(policy: str, threads: int):
    """A function of a number of units: train them."""
    from esmaml_mpi.config.experiment import Experiment, Request
    from esmaml_mpi.config.loading import load
    from esmaml_mpi.meta.stages import Stage
    from esmaml_mpi.observations.observer import Observer

    experiment = Experiment(load({"policy": {"hidden": POLICIES[policy]}, "run": {"threads": threads}}).resolved())
    request = Request(0, 0, Stage(units=300), False, experiment.initial_theta(), Observer(MEAN, STD))
    return lambda units: experiment.train_units(request, range(units))


def timed(made, policy: str, units: int, threads: int, rounds: int) -> list[float]:
    """Least seconds of a call on one thread and on many, in turn."""
    found = {1: [], threads: []}
    for _ in range(rounds + 3):
        for count, times in found.items():
            start = time.perf_counter()
            made[policy, count](units)
            times.append(time.perf_counter() - start)
    return [min(found[count][3:]) for count in (1, threads)]


def rate(call, units: int) -> float:
    """Calls per second."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        call(units)
        done += 1
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
