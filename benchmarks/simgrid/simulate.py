"""The collectives of an iteration under SimGrid's SMPI, beside the law of ``benchmarks/scaling_law.py``.

    python benchmarks/simgrid/simulate.py [--ranks 301 1001 3001] [--dimensions 162 100000] [--places alone nodes ompi]
        [bcast:1408 gather:16 ...]

needs SimGrid (Debian: ``apt-get install libsimgrid-dev gcc``; made with version 3.32). 301 ranks take half a minute;
the time of column ``ompi`` grows as the ranks squared. Somebody else's simulator of MPI and of networks then says what
messages take whose number, sizes and order are known: the law adds latencies and bytes along the longest way, and lets
no two messages share a link.

Columns, milliseconds from the moment at which all ranks are ready until the last of them has done:

- ``law``: 2 us + bytes / 10 GB/s a message, and 1 us for each that rank 0 gathers (docs/scaling.md).
- ``alone``: the messages of Open MPI's libnbc, each rank on a node of its own, no switch in common. A rank's messages
  share its link.
- ``nodes``: the same on a fat tree of 48-core nodes, ranks in their order: 16 nodes to a switch, as many links up as
  down, 0.5 us a link. Inside a node what two ranks of one machine were measured to take, each message for itself.
- ``ompi``: there MPI's blocking collectives, with the algorithms that SMPI's selector of Open MPI takes.

Without collectives on the command line, of E = ranks - 1 evaluations of four corners:

- ``before``: as it was, a broadcast, a sum to all ranks and a gather.
- ``round``: a broadcast and a sum to rank 0 that carries the evaluations' rows.
- ``shared``: a round, then a header, weights, and a sum of d int64 (``run.update = "shared"``).
- ``tree``: the same with sums along a binomial tree; libnbc sums parts (Rabenseifner's algorithm) where there are as
  many numbers as ranks.
- ``nodes``: the same along trees that follow the nodes. The law knows no nodes.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from scaling_law import HEADER, Link, sizes

BETWEEN_NODES = Link(latency=2e-6, per_byte=1e-10)
GAP = 1e-6  # seconds for each message of a gather
CORES = 48
OBSERVATIONS = 2  # of a point task
PLATFORM = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><zone id="world" routing="Full">
<cluster id="cluster" prefix="node" suffix="" speed="1Gf" sharing_policy="SPLITDUPLEX" {}/>
</zone></platform>
"""
ALONE = 'radical="0-{last}" bw="10GBps" lat="1us"'
# Within a node as two ranks of one machine were once measured; docs/scaling.md has what they take now.
NODES = (
    'radical="0-{last}" core="48" bw="10GBps" lat="0.5us" loopback_bw="6.1GBps" loopback_lat="1.06us" '
    'topology="FAT_TREE" topo_parameters="2;16,{switches};1,16;1,1"'
)
# Without SMPI's own corrections of times, which are of a cluster with Gigabit Ethernet, and without computing.
SETTINGS = {
    **{"smpi/bw-factor": "0:1", "smpi/lat-factor": "0:1", "network/crosstraffic": "0", "network/weight-S": "0"},
    **{"smpi/simulate-computation": "no", "smpi/host-speed": "1Gf", "smpi/wtime": "0", "smpi/init": "0"},
}


@dataclass(frozen=True)
class Collective:
    """One of ``collectives.c``: its kind, and bytes at a rank."""

    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.size}"


def main() -> None:
    """Build, simulate, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collectives", nargs="*", metavar="KIND:BYTES", help="instead of those of an iteration")
    parser.add_argument("--ranks", type=int, nargs="+", default=[301, 1001, 3001])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[162, 100_000], help="parameters d")
    parser.add_argument("--places", nargs="+", default=list(PLACES), choices=list(PLACES), help="columns")
    options = parser.parse_args()
    given = [Collective(kind, int(size)) for kind, _, size in (each.partition(":") for each in options.collectives)]
    print(f"| collectives | d | ranks | law | {' | '.join(options.places)} |\n|{' --- |' * (4 + len(options.places))}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "collectives")
        source = Path(__file__).with_name("collectives.c")
        subprocess.run(["smpicc", "-O1", "-o", program, source], check=True)
        for d in options.dimensions if not given else [0]:
            for n in options.ranks:
                forms = {" ".join(map(str, given)): given} if given else iterations(n, d)
                known: dict[tuple[str, ...], float] = {}  # one simulation for rows that are one program
                for name, form in forms.items():
                    times = [law(form, n, BETWEEN_NODES)]
                    for at in options.places:
                        place = PLACES[at]
                        calls = tuple(called(form, place.algorithms))
                        if (key := (at, *calls)) not in known:
                            known[key] = simulated(program, calls, n, place)
                        times.append(known[key])
                    print(
                        f"| {name} | {d or ''} | {n} | " + " | ".join(f"{1e3 * t:.3g}" for t in times) + " |",
                        flush=True,
                    )


def iterations(n: int, d: int) -> dict[str, list[Collective]]:
    """The collectives of an iteration of n - 1 evaluations on n ranks, in several ways."""
    packet, sums = sizes(n - 1, d, OBSERVATIONS)
    down, up = Collective("bcast", packet), Collective("reduce", sums)
    header, weights = Collective("bcast", 8 * HEADER), Collective("bcast", 8 * ((n - 1) // 2))
    shared = [down, up, header, weights, Collective("reduce", 8 * d)]
    return {
        "before": [down, Collective("allreduce", sums), Collective("gather", 16)],  # a row: a unit's index and value
        "round": [down, up],
        "shared": shared,
        "tree": [replace(each, kind="reduce-tree") if each.kind == "reduce" else each for each in shared],
        "nodes": [replace(each, kind=f"{each.kind}-nodes") for each in shared],
    }


def law(form: list[Collective], n: int, link: Link) -> float:
    """Seconds until the last rank has done with all of them, by the law: no two messages share a link."""
    ready = np.zeros(n)
    for each in form:
        ready = _STEPS[_algorithm(each, n)](ready, each.size, link)
    return float(ready.max())


def _algorithm(each: Collective, n: int) -> str:
    """What libnbc takes; the sizes are its own."""
    count, power = each.size // 8, 1 << (n.bit_length() - 1)
    if each.kind == "reduce":
        return "parts to rank 0" if n > 2 and count >= power else "up"
    if each.kind == "allreduce-copy" and n >= 4 and each.size >= 65536 and count >= power:
        return "parts to all"
    kinds = {"bcast": "down", "gather": "gather", "reduce-tree": "up", "reduce-nodes": "up", "bcast-nodes": "down"}
    return kinds.get(each.kind, "up and down")


def _down(ready: np.ndarray, size: int, link: Link) -> np.ndarray:
    n, done = len(ready), ready.copy()
    for distance in _powers(n):
        to = np.arange(distance, min(2 * distance, n))
        done[to] = np.maximum(done[to - distance] + link.hop(size), ready[to])
    return done


def _up(ready: np.ndarray, size: int, link: Link) -> np.ndarray:
    done = ready.copy()
    for distance in _powers(len(ready)):
        to = np.arange(0, len(ready) - distance, 2 * distance)
        done[to] = np.maximum(done[to], done[to + distance] + link.hop(size))
    return done


def _up_and_down(ready: np.ndarray, size: int, link: Link) -> np.ndarray:
    up = _up(ready, size, link)
    return _down(np.concatenate([up[:1], ready[1:]]), size, link)


def _parts(ready: np.ndarray, size: int, link: Link, to_all: bool) -> np.ndarray:
    """Rabenseifner's: by halves of halves there, and the same way back; all ranks wait for the slowest."""
    n = len(ready)
    power = 1 << (n.bit_length() - 1)
    steps = sum(link.hop(size >> k) for k in range(1, power.bit_length()))
    fold = 0.0 if n == power else 2 * link.hop(size // 2) + to_all * link.hop(size)
    return np.full(n, ready.max() + fold + 2 * steps)


def _gather(ready: np.ndarray, size: int, link: Link) -> np.ndarray:
    done = ready.copy()
    done[0] = max(ready.max() + link.latency, ready[0] + (len(ready) - 1) * GAP)
    return done


_STEPS = {
    **{"down": _down, "up": _up, "up and down": _up_and_down, "gather": _gather},
    "parts to rank 0": lambda ready, size, link: _parts(ready, size, link, False),
    "parts to all": lambda ready, size, link: _parts(ready, size, link, True),
}


def _powers(n: int) -> list[int]:
    return [1 << k for k in range((n - 1).bit_length())]


@dataclass(frozen=True)
class Place:
    """Where the ranks are, whose algorithms they take, and SMPI's settings."""

    algorithms: str
    cores: int  # of a node that are used
    cluster: str
    settings: dict[str, str]


PLACES = {
    "alone": Place("libnbc", 1, ALONE, {}),
    "nodes": Place("libnbc", CORES, NODES, {}),
    "ompi": Place("native", CORES, NODES, {"smpi/coll-selector": "ompi", "smpi/or": f"0:{GAP}:0"}),
}


def called(form: list[Collective], algorithms: str) -> list[str]:
    """What is asked of ``collectives.c``. MPI's own collectives know no trees to choose from."""
    return [str(each) if algorithms == "libnbc" else f"{each.kind.partition('-')[0]}:{each.size}" for each in form]


def simulated(program: Path, calls: tuple[str, ...], n: int, place: Place) -> float:
    """Seconds until the last rank has done with all of them, by SMPI."""
    cores = place.cores
    nodes = -(-n // cores)
    switches = max(2, -(-nodes // 16))
    platform, hosts = program.with_suffix(".xml"), program.with_suffix(".hosts")
    last = nodes - 1 if cores == 1 else 16 * switches - 1
    platform.write_text(PLATFORM.format(place.cluster.format(last=last, switches=switches)))
    hosts.write_text("".join(f"node{rank // cores}\n" for rank in range(n)))
    configuration = [f"--cfg={key}:{value}" for key, value in (SETTINGS | place.settings).items()]
    command = ["smpirun", "-np", str(n), "-platform", platform, "-hostfile", hosts, *configuration]
    command += ["--log=root.thres:error", program, place.algorithms, str(GAP), str(CORES), *calls]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.count(" ") == 2]
    if done.returncode or len(lines) != len(calls):
        raise SystemExit(f"smpirun failed: {done.stdout}{done.stderr}")
    return float(lines[-1][2])


if __name__ == "__main__":
    main()
