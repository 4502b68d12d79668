"""Several processes of a search on this machine: each is the same command, and they share the study."""

import signal
import subprocess
import sys
import time

from esmaml_mpi.training.interruption import Interruption
from esmaml_mpi.training.loop import STOPPED

PAUSE = 0.1  # seconds between looks at the processes
FAILED = 1


def work(arguments: list[str], jobs: int) -> int:
    """Run so many processes of ``esmaml`` with these ``arguments``; returns the exit code when all have ended.

    Signals stop all, each with its run saved. A process that dies leaves its trial to the others; the code is FAILED
    only if the search is not complete.
    """
    command = [sys.executable, "-m", "esmaml_mpi", *arguments]
    with Interruption() as interruption:
        # In sessions of their own, so that Ctrl-C reaches this process alone, which passes it on once.
        processes = [subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) for _ in range(jobs)]
        told = False
        try:
            while any(process.poll() is None for process in processes):
                if interruption.requested and not told:
                    told = True
                    for process in processes:
                        process.send_signal(signal.SIGUSR1)
                time.sleep(PAUSE)
        finally:  # a second Ctrl-C, or an error here: nothing is left behind
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    codes = {process.returncode for process in processes}
    if 0 in codes:  # it waited for all trials
        return 0
    stopped = {STOPPED, -signal.SIGUSR1}  # the latter: it was only starting
    return STOPPED if codes <= stopped else max(FAILED, *codes)
