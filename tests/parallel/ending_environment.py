"""An environment that ends badly, as $ENDING says: rewards are nan, or after a while it leaves on rank $VICTIM."""

import ctypes
import os
import signal
import sys
import time

import gymnasium
import numpy as np

ENDING, VICTIM = os.environ.get("ENDING", ""), os.environ.get("VICTIM", "1")
HERE = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
AFTER = 1000  # steps: later than the rehearsal of the configuration


class Ends(gymnasium.Env):
    """One number is observed, one is acted."""

    observation_space = action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)
    steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1), {}

    def step(self, action):
        Ends.steps += 1
        if Ends.steps > AFTER and (VICTIM == "all" or VICTIM == HERE):
            if ENDING == "sys.exit":
                sys.exit(5)
            if ENDING == "os._exit":
                os._exit(3)
            if ENDING == "sleep":
                time.sleep(1000)
            if ENDING == "hold":
                # Compiled code that does not let go of the interpreter, and that no signal interrupts.
                library, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
                library.pthread_mutex_lock(mutex)
                library.pthread_mutex_lock(mutex)
            if ENDING == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            if ENDING == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(1), float("nan") if ENDING == "nan" else float(action[0]), False, False, {}
