"""Whether a rank has a core to itself, so that it may poll while it waits."""

import os
from pathlib import Path

MOST_CORES = 2048  # of a node; more are not looked at
CGROUP = Path("/sys/fs/cgroup")


def affinity() -> bytes:
    """The cores that this process may run on, a bit each, MOST_CORES / 8 bytes."""
    if not hasattr(os, "sched_getaffinity"):  # not Linux
        cores = set(range(os.cpu_count() or 1))
    else:
        cores = os.sched_getaffinity(0)
    return sum(1 << core for core in cores if core < MOST_CORES).to_bytes(MOST_CORES // 8, "little")


def quota(cgroup: Path = CGROUP) -> float:
    """How many cores' time the processes of this container may use together; inf without a limit."""
    try:
        allowed, period = (cgroup / "cpu.max").read_text().split()  # of version 2, as a container sees its own
        return float(allowed) / float(period)
    except (OSError, ValueError):  # "max", or no such file
        return float("inf")


def has_own_core(masks: list[bytes], rank: int, limit: float) -> bool:
    """Whether the ranks of a node that may run on this one's cores are no more than these cores.

    ``masks``: the affinity of each rank of the node; ``rank``: whose question it is; ``limit``: the quota of them all.
    """
    cores = [int.from_bytes(mask, "little") for mask in masks]
    together, rivals = cores[rank], 0
    while True:  # until no other rank has a core among those of these ranks
        overlapping = [mask for mask in cores if mask & together]
        if len(overlapping) == rivals:
            return rivals <= min(together.bit_count(), limit)
        rivals = len(overlapping)
        for mask in overlapping:
            together |= mask
