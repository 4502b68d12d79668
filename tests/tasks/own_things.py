"""Environments that share something with their likes, fail, print or end: each stands for a kind that users have."""

import ctypes
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces

from esmaml_mpi.tasks import make_family


def family_of(name, horizon=20, **options):
    """The family of an environment below, whose tasks are two goals."""
    vary = {} if name[0].islower() else {"vary_as": "attribute", "vary": {"goal": [-1.0, 1.0]}}
    return make_family("gymnasium", horizon, {"environment": f"own_things:{name}", **vary, **options})


class Reach(gymnasium.Env):
    """Nothing is wrong with this one: a point on a line, reward minus the distance to the goal."""

    def __init__(self, goal=1.0, render_mode=None):
        self.goal, self.render_mode = goal, render_mode
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.t = float(self.np_random.uniform(-0.1, 0.1)), 0
        return self.see(), {}

    def see(self):
        return np.array([self.x, 1.0])

    def step(self, action):
        self.x += 0.1 * float(action[0])
        self.t += 1
        return self.see(), -abs(self.x - self.goal), False, False, {}

    def render(self):
        return np.full((4, 6, 3), int(100 * abs(self.see()[0])), np.uint8)


class World:
    """One for the whole process, as the default client of a physics library is."""

    x = 0.0


class OneWorld(Reach):
    """Its state lives in the process, not in the instance."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        World.x = self.x
        return self.see(), {}

    def see(self):
        return np.array([World.x if hasattr(self, "x") else 0.0, 1.0])

    def step(self, action):
        World.x += 0.1 * float(action[0])
        self.t += 1
        return self.see(), -abs(World.x - self.goal), False, False, {}


class GlobalNoise(Reach):
    """Seeds NumPy's global generator in reset: repeatable by itself, not beside others."""

    def reset(self, *, seed=None, options=None):
        np.random.seed(seed)  # noqa: NPY002
        return super().reset(seed=seed)

    def step(self, action):
        self.x += 0.05 * np.random.normal()  # noqa: NPY002
        return super().step(action)


class PythonNoise(Reach):
    """The same with Python's generator."""

    def reset(self, *, seed=None, options=None):
        random.seed(seed)
        return super().reset(seed=seed)

    def step(self, action):
        self.x += random.gauss(0.0, 0.05)
        return super().step(action)


class Crowd(Reach):
    """Points that push those that were reset after them, as bodies in one scene do."""

    scene: dict = {}  # noqa: RUF012 (that is what is wrong with it)

    def reset(self, *, seed=None, options=None):
        first = super().reset(seed=seed)
        self.scene.clear()
        self.scene[0] = self.x
        return first

    def step(self, action):
        self.scene[len(self.scene)] = self.x
        self.x += 0.01 * sum(self.scene.values())
        return super().step(action)


class Leftovers(Reach):
    """Begins where the episode before it, whatever its seed, has ended: right only after itself."""

    def __init__(self, goal=1.0):
        super().__init__(goal)
        self.x, self.seeds = 0.0, []

    def reset(self, *, seed=None, options=None):
        found = super().reset(seed=seed)
        self.seeds = [*self.seeds, seed][-2:]
        self.x += 0.1 * (self.seeds[0] != seed)
        return self.see(), found[1]


class OnlyOne(Reach):
    """A simulator that allows one instance at a time, as one that listens on a port."""

    alive = 0

    def __init__(self, goal=1.0, render_mode=None):
        if OnlyOne.alive:
            raise RuntimeError("port 2000 is in use")
        super().__init__(goal, render_mode)
        OnlyOne.alive += 1

    def close(self):
        OnlyOne.alive -= 1


class Calculator(Reach):
    """Talks to a program of its own, which keeps the position."""

    def __init__(self, goal=1.0):
        super().__init__(goal)
        program = "import sys\nx = 0.0\nfor line in sys.stdin:\n    k, v = line.split()\n"
        program += "    x = float(v) if k == 'set' else x + 0.1 * float(v)\n    print(repr(x), flush=True)\n"
        self.program = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, word, value):
        self.program.stdin.write(f"{word} {value!r}\n")
        self.program.stdin.flush()
        return float(self.program.stdout.readline())

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.tell("set", self.x)
        return self.see(), {}

    def step(self, action):
        self.x = self.tell("add", float(action[0]))
        self.t += 1
        return self.see(), -abs(self.x - self.goal), False, False, {}

    def close(self):
        self.program.kill()
        self.program.communicate()


LIBRARY = "static double x; double put(double v) { return x = v; } double add(double v) { return x += 0.1 * v; }"


def compiled(folder):
    """The library of Compiled, in a folder; CalledProcessError or FileNotFoundError without a compiler."""
    source, library = Path(folder, "world.c"), Path(folder, "world.so")
    source.write_text(LIBRARY)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, capture_output=True)
    return library


class Compiled(Reach):
    """Its state is static in a compiled library."""

    def __init__(self, library, goal=1.0):
        super().__init__(goal)
        self.library = ctypes.CDLL(library)
        for function in (self.library.put, self.library.add):
            function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.library.put(self.x)
        return self.see(), {}

    def step(self, action):
        self.x = self.library.add(float(action[0]))
        self.t += 1
        return self.see(), -abs(self.x - self.goal), False, False, {}


class Camera(Reach):
    """Sees a picture of 4 x 5 grey pixels."""

    def __init__(self, goal=1.0):
        super().__init__(goal)
        self.observation_space = spaces.Box(0, 255, (4, 5, 1), np.uint8)

    def see(self):
        column = int(np.clip((self.x + 1.0) * 2.5, 0, 4))
        picture = np.zeros((4, 5, 1), np.uint8)
        picture[:, column] = 255
        return picture


class Reads(Reach):
    """Has one bad reading, ``value``, after seven steps."""

    def __init__(self, value, goal=1.0):
        super().__init__(goal)
        self.value, self.t = value, 0

    def see(self):
        return np.array([self.x, self.value if self.t == 7 else 1.0])


def infinite():
    """Reads what TOML can write but a configuration does not take."""
    return Reads(np.inf)


def hole():
    """Reads no number."""
    return Reads(np.nan)


class Loud(Reach):
    """Prints when it is made: by Python, and as compiled code does, whose text is still in C's buffer at the end."""

    def __init__(self, goal=1.0):
        super().__init__(goal)
        print("engine build 2023.11")
        os.write(1, b"engine written\n")
        ctypes.CDLL(None).printf(b"engine buffered\n")


class Broken(Reach):
    """Raises at its sixth step, always."""

    def step(self, action):
        if self.t == 5:
            raise ValueError("joint limit")
        return super().step(action)


class Ends(Reach):
    """Ends badly at its sixth step, in one of several ways; or refuses to be closed."""

    def __init__(self, how="SystemExit", goal=1.0):
        super().__init__(goal)
        self.how = how

    def step(self, action):
        if self.t == 5:
            if self.how == "SystemExit":
                raise SystemExit(3)
            if self.how == "BaseException":
                raise Panic
            if self.how == "unprintable":
                raise Unprintable
            if self.how == "exit":
                os._exit(3)
            if self.how == "crash":
                ctypes.string_at(0)
            if self.how == "hang":
                time.sleep(1000)
        return super().step(action)

    def close(self):
        raise SystemExit(4) if self.how == "close" else KeyError("no window")

    def __del__(self):
        if self.how == "close":
            raise ValueError("in __del__")


class Panic(BaseException):
    """As bindings to other languages raise."""


class Unprintable(Exception):
    """Its message is one more mistake."""

    def __str__(self):
        raise TypeError("no message")


class Gives(Reach):
    """Gives the same array each time, in an unusual type, and scalars of NumPy's."""

    def __init__(self, dtype="float64", goal=1.0):
        super().__init__(goal)
        self.seen = np.ones(2, dtype)

    def see(self):
        self.seen[0] = self.x
        return self.seen

    def step(self, action):
        observation, reward, _, _, info = super().step(action)
        return observation, np.float32(reward), np.bool_(False), np.array([False]), info


class Truncates(Reach):
    """Has a limit of 8 steps that it tells nobody of."""

    def step(self, action):
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, self.t == 8, info


def limited():
    """Has the same limit from a wrapper."""
    return gymnasium.wrappers.TimeLimit(Reach(), 8)
