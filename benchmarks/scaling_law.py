"""The time of an iteration on n ranks, from what its parts cost on few.

    T(n) = W(b) + imbalance + s(D, d) + c(n, bytes)
    W(b) = a + b u              b = the longest share of E evaluations among the working ranks (``parallel/plan.py``)
    s = o + p + D (q + d r)     rank 0 while the others wait: o the loop's overhead, the rest fitted in
                                ``benchmarks/aggregator.py``; D directions are E / 2, or a rank's share of them where
                                their sum is shared (``run.update = "auto"``)

``c`` is a latency-bandwidth model of what Open MPI's non-blocking collectives do (its component libnbc): a broadcast
down a binomial tree, a sum up such a tree. A shared sum of directions adds two broadcasts, of a header and of the
weights, and one sum. ``imbalance`` is waiting for the slowest rank. It has no closed form and is a mean over simulated
iterations. Every rank has a core to itself, so that it polls while it waits.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.parallel.packet import HEADER
from esmaml_mpi.parallel.plan import deal
from esmaml_mpi.parallel.rounds import COUNTERS, worth_sharing
from esmaml_mpi.reproducibility.exact_sums import LIMBS

DRAWS = 100  # simulated iterations


@dataclass(frozen=True)
class Link:
    """What a message costs: ``latency`` s and ``per_byte`` s.

    ``per_call`` s is what each collective takes beside its messages.
    """

    latency: float
    per_byte: float
    per_call: float = 0.0

    def hop(self, size: int) -> float:
        """Seconds from one rank to the next."""
        return self.latency + size * self.per_byte


@dataclass(frozen=True)
class Task:
    """A task as measured: W = a + b u, by how many seconds single evaluations differ from their mean, and sizes."""

    a: float
    u: float
    deviations: np.ndarray
    d: int
    observations: int

    def work(self, share: int) -> float:
        """W: seconds of a rank's share of evaluations on average."""
        return self.a + share * self.u if share else 0.0


@dataclass(frozen=True)
class Serial:
    """Rank 0 while the others wait: s = o + p + D (q + d r), seconds."""

    o: float
    p: float
    q: float
    r: float

    def seconds(self, directions: int, d: int) -> float:
        """s(D, d)."""
        return self.o + self.p + directions * (self.q + d * self.r)


def terms(n: int, evaluations: int, task: Task, serial: Serial, link: Link) -> dict[str, float]:
    """Seconds of each term of T(n), their ``total``, and ``ideal``: an n-th of the work of one rank."""
    shares = np.array([len(block) for block in deal(evaluations, n)])
    work, directions = task.work(shares.max()), evaluations // 2
    shared = n > 1 and worth_sharing(directions, task.d)
    s = serial.seconds(max(map(len, deal(directions, n))) if shared else directions, task.d)
    ideal = task.work(evaluations) / n
    found = {"ideal": ideal, "uneven": work - ideal, "serial": s}
    if n == 1:
        return found | {"imbalance": 0.0, "collectives": 0.0, "total": work + s}
    even, draws = np.array([[task.work(share) for share in shares]]), _work(shares, task, np.random.default_rng(0))
    packet, sums = sizes(evaluations, task.d, task.observations)
    collectives = _iteration(even, packet, sums, link) - work
    imbalance = _iteration(draws, packet, sums, link) - collectives - work
    if shared:
        nothing = np.zeros((1, n))
        collectives += _iteration(nothing, 8 * HEADER, 8 * task.d, link) + link.per_call
        collectives += float(_tree(np.zeros(1), nothing, link.hop(8 * directions)).max())
    found |= {"imbalance": imbalance, "collectives": collectives}
    return found | {"total": sum(found.values())}


def idle_round(n: int, evaluations: int, d: int, observations: int, link: Link) -> float:
    """Seconds of the collectives of a round with no work, each rank with a core."""
    return _iteration(np.zeros((1, n)), *sizes(evaluations, d, observations), link)


def sizes(evaluations: int, d: int, observations: int) -> tuple[int, int]:
    """Bytes of the broadcast and of the sum of a round."""
    return 8 * (HEADER + d + 2 * observations), 8 * (COUNTERS + 2 * observations * LIMBS + evaluations)


def slowest(task: Task, n: int) -> float:
    """Expected time of the slowest of n single evaluations over that of one, from simulated ones."""
    single = task.work(1)
    return 1 + float(_deviations(task, 1, (DRAWS, n), np.random.default_rng(0)).max(axis=1).mean()) / single


def _work(shares: np.ndarray, task: Task, rng) -> np.ndarray:
    """Seconds (DRAWS, n) of each rank's work."""
    times = np.zeros((DRAWS, len(shares)))
    for share in np.unique(shares[shares > 0]):
        ranks = np.flatnonzero(shares == share)
        times[:, ranks] = task.work(share) + _deviations(task, share, (DRAWS, len(ranks)), rng)
    return times


def _deviations(task: Task, share: int, shape: tuple[int, int], rng) -> np.ndarray:
    """Seconds by which shares of evaluations differ from their mean: sums of independent draws of those measured.

    A smoothed bootstrap, for few measurements have no tail: draws get normal noise (Silverman's rule), and are shrunk
    so that their variance stays.
    """
    known = task.deviations
    width = 1.06 * len(known) ** -0.2 * known.std()
    sums = known[rng.integers(len(known), size=(*shape, share))].sum(axis=2)
    return (sums + width * np.sqrt(share) * rng.standard_normal(shape)) / np.sqrt(1 + (width / known.std()) ** 2)


def _iteration(work: np.ndarray, packet: int, sums: int, link: Link) -> float:
    """Mean seconds from the start of the broadcast to the end of the sum at rank 0; ``work`` (draws, n) seconds."""
    (draws, n), hop = work.shape, link.hop(sums)
    ready = _tree(np.zeros(draws), work, link.hop(packet)) + work
    for distance in _powers(n):  # up the tree: from rank k + distance to rank k
        to = np.arange(0, n - distance, 2 * distance)
        ready[:, to] = np.maximum(ready[:, to], ready[:, to + distance] + hop)
    return float(ready[:, 0].mean()) + 2 * link.per_call


def _tree(start: np.ndarray, like: np.ndarray, hop: float) -> np.ndarray:
    """When each rank (draws, n), as of ``like``, has what rank 0 sends at ``start`` along a binomial tree."""
    n, arrival = like.shape[1], np.empty_like(like)
    arrival[:, 0] = start
    for distance in _powers(n):
        to = np.arange(distance, min(2 * distance, n))
        arrival[:, to] = arrival[:, to - distance] + hop
    return arrival


def _powers(n: int) -> list[int]:
    """1, 2, 4, ... below n."""
    return [1 << k for k in range((n - 1).bit_length())]
