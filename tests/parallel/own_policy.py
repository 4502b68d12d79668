"""The ``esmaml`` command with a recurrent policy from outside the package, ``recurrent_policies.py``."""

import sys
from pathlib import Path

from esmaml_mpi.commands.main import main
from esmaml_mpi.policies import POLICIES

sys.path.append(str(Path(__file__).parents[1]))
POLICIES["mine"] = "recurrent_policies:WithState"
sys.exit(main())
