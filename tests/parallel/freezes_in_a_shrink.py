"""One of four ranks dies, and the next stops itself just as the others begin to leave it out.

    mpirun --with-ft ulfm -n 4 python freezes_in_a_shrink.py LIMIT

LIMIT is run.frozen_after. Each rank that goes on prints the sum of ones over all ranks.
"""

import os
import signal
import sys

import numpy as np

from esmaml_mpi.parallel.mpi_world import MPIWorld
from esmaml_mpi.parallel.world import RankLost


class World(MPIWorld):
    def _shrink(self):
        if self.rank == 2 and self.size == 4:
            print(f"stopped {os.getpid()}", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        super()._shrink()


world = World()
world.frozen_after = float(sys.argv[1])
ones = np.ones(1, dtype=np.int64)
world.sum(ones)
if world.rank == 3:
    os.kill(os.getpid(), signal.SIGKILL)
while True:
    ones[:] = 1
    try:
        world.sum(ones)
    except RankLost:
        world.recover()
        continue
    if ones[0] < 4:
        break
print(f"sum {ones[0]}", flush=True)
world.leave()
world.close(0)
