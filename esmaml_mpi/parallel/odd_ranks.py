"""Which ranks of a job compute other bits than rank 0."""

import numpy as np

from esmaml_mpi.parallel.world import World
from esmaml_mpi.reproducibility.fingerprint import fingerprint


def odd_ranks(world: World) -> list[int]:
    """Collective: at rank 0 the ranks whose fingerprint is not rank 0's; [] elsewhere."""
    own = np.array([[float(int(fingerprint(), 16))]])  # 48 bits are exact in a double
    found = world.gather(own, [1] * world.size)
    return [] if found is None else np.flatnonzero(found[:, 0] != found[0, 0]).tolist()
