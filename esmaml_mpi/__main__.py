"""`python -m esmaml_mpi` is the `esmaml` command."""

import sys

from esmaml_mpi.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
