"""The ``esmaml`` command with a task family "hanging", four corners in which some episodes never return.

Usage: hanging_task.py HOW ..., where HOW is "sleep" (Python, which can be interrupted) or "block" (compiled code, which
cannot).
"""

import signal
import sys
import time
from dataclasses import dataclass

import numpy as np

from esmaml_mpi import tasks
from esmaml_mpi.commands.main import main
from esmaml_mpi.tasks.four_corners import FourCorners

RARE = 0.003  # a few evaluations of an iteration
HOW = sys.argv.pop(1) if __name__ == "__main__" else "sleep"


@dataclass(frozen=True)
class Hanging(FourCorners):
    """Hangs in the batches in which some policy comes past a certain place."""

    name = "hanging"

    def rewards(self, path, tasks, out, workspace):
        real = path.shape[-1] > 8  # not the rehearsal when the configuration is read
        if real and (np.abs(path[3, 0] - 0.123) < RARE).any():
            while True:
                if HOW == "sleep":
                    try:
                        time.sleep(0.01)
                    except Exception:
                        continue
                else:
                    hang_in_compiled_code()
        super().rewards(path, tasks, out, workspace)


def hang_in_compiled_code():
    """Like a library in an endless loop: no Python instruction is reached, so no signal is handled."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(1000)


if __name__ == "__main__":
    sys.modules["hanging_task"] = sys.modules["__main__"]
    tasks.FAMILIES["hanging"] = "hanging_task:Hanging"
    sys.exit(main())
