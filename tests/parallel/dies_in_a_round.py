"""A job one of whose ranks is killed as a round begins: run under mpirun with the rank's number and the round's."""

import os
import signal
import sys

from esmaml_mpi.commands.main import main
from esmaml_mpi.parallel import connection
from esmaml_mpi.parallel.rounds import Rounds

victim, fatal = int(sys.argv.pop(1)), int(sys.argv.pop(1))
connect, evaluate, seen = connection.connect, Rounds._round, {"rounds": 0}


def connect_and_remember():
    seen["world"] = connect()
    return seen["world"]


def dies(self, request, start):
    seen["rounds"] += 1
    if (seen["rounds"], seen["world"].rank, seen["world"].lost) == (fatal, victim, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(self, request, start)


connection.connect = connect_and_remember
Rounds._round = dies
sys.exit(main())
