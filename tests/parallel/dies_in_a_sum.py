"""A job one of whose ranks is killed while the ranks sum directions: run under mpirun with the rank's number."""

import os
import signal
import sys

from esmaml_mpi.commands.main import main
from esmaml_mpi.parallel import connection
from esmaml_mpi.parallel.rounds import Rounds

victim = int(sys.argv.pop(1))
connect, part, world = connection.connect, Rounds._part, {}


def connect_and_remember():
    world["is"] = connect()
    return world["is"]


def dies(self, combining):
    """In the second iteration, with its part of the sum done and not sent."""
    if combining.at.iteration == 1 and world["is"].rank == victim and world["is"].lost == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return part(self, combining)


connection.connect = connect_and_remember
Rounds._part = dies
sys.exit(main())
