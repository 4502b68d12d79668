"""The ``esmaml`` command, after which rank 1 prints the modules that it has loaded."""

import sys

AT_THE_START = set(sys.modules)  # of Python itself, and of what is installed beside us

from esmaml_mpi.commands.main import main  # noqa: E402
from esmaml_mpi.parallel.mpi_world import MPIWorld  # noqa: E402

close = MPIWorld.close


def print_and_close(self, code):
    if self.rank == 1:
        print("modules:", *sorted(set(sys.modules) - AT_THE_START), flush=True)
    close(self, code)


MPIWorld.close = print_and_close
sys.exit(main())
