"""A job in which one rank hits a bug: run under mpirun with the rank's number."""

import sys

from esmaml_mpi.commands.main import main
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.parallel import connection

victim = int(sys.argv.pop(1))
train_units, connect = Experiment.train_units, connection.connect
here = {}


def connect_and_remember():
    here["world"] = connect()
    return here["world"]


def raise_on_second_iteration(self, request, indices):
    if request.iteration == 1 and here["world"].rank == victim:
        raise IndexError("the bug")
    return train_units(self, request, indices)


connection.connect = connect_and_remember
Experiment.train_units = raise_on_second_iteration
sys.exit(main())
