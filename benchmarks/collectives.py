"""Time of an iteration's two collectives alone: broadcast and sum as in a round, with no work between them.

    mpirun -n 8 --oversubscribe python benchmarks/collectives.py [--dimensions 1000 ...] [--pauses 0 0.01] [--seconds 2]

Rank 0 pauses before each round as it does while it updates, working, and the others wait as they do in training: with
a core of their own they poll, else they look for the message every now and then (``parallel/mpi_world.py``), so that
what they waited for arrives late. Prints JSON: medians in seconds on rank 0, and of two ranks also latency (half of a
round trip) and time per byte. With more ranks than cores the times are those of ranks that wait for a core.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import numpy as np

from esmaml_mpi.parallel.connection import connect
from esmaml_mpi.parallel.packet import HEADER
from esmaml_mpi.parallel.rounds import COUNTERS
from esmaml_mpi.reproducibility.exact_sums import LIMBS

OBSERVATIONS = 17  # HalfCheetah
LONG = 1 << 17  # bytes of the message that measures time per byte: d of some ten thousand
EVALUATIONS = 300  # whose values travel with the sum


def main() -> None:
    """Measure on all ranks, print on rank 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[1000], help="parameters d (default 1000)")
    parser.add_argument("--pauses", type=float, nargs="+", default=[0.0], help="rank 0's work, seconds (default 0)")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each combination (default 2)")
    options = parser.parse_args()
    world = connect()
    cases = [
        {"ranks": world.size, "d": d, "pause": pause, **rounds(world, d, pause, options.seconds)}
        for d in options.dimensions
        for pause in options.pauses
    ]
    link = constants() if world.size == 2 else {}
    if world.rank == 0:
        print(json.dumps({"library": world.library.split(",")[0], "rounds": cases, "link": link}))
    world.close(0)


def rounds(world, d: int, pause: float, seconds: float) -> dict[str, float]:
    """Medians over rounds of each collective and of the two together; at least three rounds."""
    packet, times = np.zeros(HEADER + d + 2 * OBSERVATIONS), []
    sums = np.zeros(COUNTERS + 2 * OBSERVATIONS * LIMBS + EVALUATIONS, dtype=np.int64)
    begin = time.perf_counter()
    while packet[0] == 0.0:
        busy = time.perf_counter() + pause if world.rank == 0 else 0.0
        while time.perf_counter() < busy:
            pass
        # Rank 0 says in the packet which round is the last.
        packet[0] = world.rank == 0 and len(times) >= 3 and time.perf_counter() - begin > seconds
        ticks = [time.perf_counter()]
        for operation in (lambda: world.broadcast(packet), lambda: world.reduce(sums)):
            operation()
            ticks.append(time.perf_counter())
        times.append([*np.diff(ticks), ticks[-1] - ticks[0]])
    medians = map(statistics.median, zip(*times[1:], strict=True))
    return dict(zip(("broadcast", "sum", "total"), medians, strict=True)) | {"count": len(times) - 1}


def constants() -> dict[str, float]:
    """Ranks 0 and 1: latency, seconds per byte."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    short, long = np.zeros(8, dtype=np.uint8), np.zeros(LONG, dtype=np.uint8)
    trips: dict[int, list[float]] = {short.size: [], LONG: []}
    other = 1 - comm.rank
    comm.Barrier()
    for buffer, repetitions in ((short, 2000), (long, 200)):
        for _ in range(repetitions):
            start = time.perf_counter()
            for turn in (0, 1):
                (comm.Send if turn == comm.rank else comm.Recv)(buffer, other)
            trips[buffer.size].append((time.perf_counter() - start) / 2)
    if comm.rank:
        return {}
    latency = statistics.median(trips[short.size])
    return {
        "latency": latency,
        "per_byte": (statistics.median(trips[LONG]) - latency) / LONG,
    }


if __name__ == "__main__":
    main()
