"""The ``esmaml`` command, after which rank 1 prints the modules it has loaded."""

import sys

from esmaml_mpi.commands.main import main
from esmaml_mpi.parallel.mpi_world import MPIWorld

close = MPIWorld.close


def print_and_close(self, code):
    if self.rank == 1:
        print("modules:", *sorted(sys.modules), flush=True)
    close(self, code)


MPIWorld.close = print_and_close
sys.exit(main())
