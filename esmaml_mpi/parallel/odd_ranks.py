"""Which ranks of a job compute other bits than rank 0."""

import numpy as np

from esmaml_mpi.parallel.world import World
from esmaml_mpi.reproducibility.fingerprint import fingerprint


def odd_ranks(world: World) -> tuple[list[int], list[int]]:
    """Collective: at rank 0 the ranks whose fingerprint is not rank 0's; none elsewhere.

    First of what is ours alone, then with that of libraries.
    """
    own = np.array([[float(int(fingerprint(libraries), 16)) for libraries in (False, True)]])  # 48 bits are exact
    found = world.gather(own, [1] * world.size)
    if found is None:
        return [], []
    ours, all_ = (np.flatnonzero(column != column[0]).tolist() for column in found.T)
    return ours, all_
