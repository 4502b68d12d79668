"""The time of an iteration on n ranks, from what its parts cost on few.

    T(n) = W(b) + imbalance + s(E, d) + c(n, bytes) + naps(n)
    W(b) = a + b u           b = the longest share of E evaluations among the working ranks (``parallel/plan.py``)
    s = o + p + E/2 (q + d r)   rank 0 alone: o the loop's overhead, the rest fitted in ``benchmarks/aggregator.py``

``c`` is a latency-bandwidth model of what Open MPI's non-blocking collectives do (its component libnbc): a broadcast
down a binomial tree, a sum up such a tree and down again, a gather in which every rank sends to rank 0. ``imbalance``
is waiting for the slowest rank. ``naps`` is what waiting ranks lose by looking for messages every now and then
(``parallel/mpi_world.py``), in each rank on a message's way. The two have no closed form and are means over simulated
iterations.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.parallel.plan import deal
from esmaml_mpi.parallel.rounds import COUNTERS, HEADER
from esmaml_mpi.reproducibility.exact_sums import LIMBS

SPIN, NAP_SHARE, LONGEST_NAP = 200e-6, 0.1, 1e-3  # parallel/mpi_world.py, where there is a core for each rank
TIMER_SLACK = 50e-6  # how much later than asked Linux may wake a process
DRAWS = 100  # simulated iterations


@dataclass(frozen=True)
class Link:
    """What a message costs: ``latency`` s, ``per_byte`` s, and ``per_message`` s at a rank that receives many.

    ``per_call`` s is what each collective takes beside its messages.
    """

    latency: float
    per_byte: float
    per_message: float
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
    """Rank 0's serial part: s = o + p + E/2 (q + d r), seconds."""

    o: float
    p: float
    q: float
    r: float

    def seconds(self, evaluations: int, d: int) -> float:
        """s(E, d)."""
        return self.o + self.p + evaluations / 2 * (self.q + d * self.r)


def terms(n: int, evaluations: int, task: Task, serial: Serial, link: Link) -> dict[str, float]:
    """Seconds of each term of T(n), their ``total``, and ``ideal``: an n-th of the work of one rank."""
    shares = np.array([len(block) for block in deal(evaluations, n)])
    work, s = task.work(shares.max()), serial.seconds(evaluations, task.d)
    ideal = task.work(evaluations) / n
    found = {"ideal": ideal, "uneven": work - ideal, "serial": s}
    if n == 1:
        return found | {"imbalance": 0.0, "collectives": 0.0, "naps": 0.0, "total": work + s}
    rng = np.random.default_rng(0)
    even, draws = np.array([[task.work(share) for share in shares]]), _work(shares, task, rng)
    sizes = _sizes(n, task.d, task.observations)
    collectives = _iteration(even, s, sizes, link, False, rng) - work - s
    imbalance = _iteration(draws, s, sizes, link, False, rng) - collectives - work - s
    total = _iteration(draws, s, sizes, link, True, rng)
    found |= {"imbalance": imbalance, "collectives": collectives, "naps": total - work - s - collectives - imbalance}
    return found | {"total": total}


def idle_round(n: int, d: int, observations: int, pause: float, link: Link) -> float:
    """Seconds of the collectives of a round with no work, after rank 0 paused, naps included: c(n) + naps(n)."""
    nothing = np.zeros((20 * DRAWS, n))
    return _iteration(nothing, pause, _sizes(n, d, observations), link, True, np.random.default_rng(0)) - pause


def slowest(task: Task, n: int) -> float:
    """Expected time of the slowest of n single evaluations over that of one, from simulated ones."""
    single = task.work(1)
    return 1 + float(_deviations(task, 1, (DRAWS, n), np.random.default_rng(0)).max(axis=1).mean()) / single


def _sizes(n: int, d: int, observations: int) -> tuple[int, int]:
    """Bytes of the broadcast and of the sum."""
    return 8 * (HEADER + d + 2 * observations), 8 * (COUNTERS + 2 * observations * LIMBS + n)


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


def _iteration(work: np.ndarray, serial: float, sizes: tuple[int, int], link: Link, naps: bool, rng) -> float:
    """Mean seconds from the start of rank 0's serial part to the end of the gather; ``work`` (draws, n) seconds.

    All ranks but rank 0 have waited for the broadcast since time 0.
    """

    def noticed(arrival, since):
        """When a rank that has waited since then sees what has arrived: after the rest of its nap."""
        waited = np.maximum(arrival - since, 0.0)
        nap = np.where(waited < SPIN, 0.0, np.minimum(waited * NAP_SHARE, LONGEST_NAP) + TIMER_SLACK)
        return np.maximum(arrival, since) + naps * nap * rng.random(np.shape(arrival))

    (draws, n), hop = work.shape, link.hop(sizes[1])
    ready = _tree(np.full(draws, serial), np.zeros_like(work), link.hop(sizes[0]), noticed) + work
    summed = ready.copy()
    for distance in _powers(n):  # up the tree: from rank k + distance to rank k
        to = np.arange(0, n - distance, 2 * distance)
        summed[:, to] = np.maximum(summed[:, to], noticed(summed[:, to + distance] + hop, ready[:, to]))
    down = _tree(summed[:, 0], ready, hop, noticed)
    gathered = np.maximum(down.max(axis=1) + link.latency, down[:, 0] + (n - 1) * link.per_message)
    return float(noticed(gathered, down[:, 0]).mean()) + 3 * link.per_call


def _tree(start, since, hop, noticed) -> np.ndarray:
    """When each rank (draws, n) has what rank 0 sends at ``start`` along a binomial tree."""
    n, arrival = since.shape[1], np.empty_like(since)
    arrival[:, 0] = start
    for distance in _powers(n):
        to = np.arange(distance, min(2 * distance, n))
        arrival[:, to] = noticed(arrival[:, to - distance] + hop, since[:, to])
    return arrival


def _powers(n: int) -> list[int]:
    """1, 2, 4, ... below n."""
    return [1 << k for k in range((n - 1).bit_length())]
