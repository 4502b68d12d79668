"""Act with an exported policy, of any of the three formats, without esmaml_mpi.

    esmaml export results/mine.h5 --policy npz --output robot.npz      # or onnx, or c
    cc -std=c99 -O2 -ffp-contract=off -shared -fPIC robot.c -o robot.so -lm
    python robot_driver.py robot.npz|robot.onnx|robot.so < observations > actions

An observation is a line of numbers, as measured; so is the action that answers it.
"""

import ctypes
import json
import sys
from pathlib import Path

import numpy as np


def from_npz(path):
    policy = dict(np.load(path))  # plain arrays; nothing in the file is executed
    squash = {"relu": lambda x: np.maximum(x, 0.0), "tanh": np.tanh, "identity": lambda x: x}
    last, low, high = int(policy["layers"]) - 1, policy["action_low"], policy["action_high"]

    def act(observation):
        x = (observation - policy["observation_mean"]) / policy["observation_std"]
        for i in range(last + 1):
            x = x @ policy[f"weights_{i}"] + policy[f"biases_{i}"]
            x = squash[str(policy["activation" if i < last else "output"])](x)
        for i in np.flatnonzero(policy["action_scaled"]):
            x[i] = low[i] + (np.clip(x[i], -1.0, 1.0) + 1.0) * (0.5 * (high[i] - low[i]))
        return np.clip(x, low, high)

    return act


def from_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda observation: session.run(["action"], {"observation": observation[None]})[0][0]


def from_c(path):
    action_size = json.loads(Path(path).with_suffix(".c.json").read_text())["action"]["size"]
    function = getattr(ctypes.CDLL(str(Path(path).resolve())), f"{Path(path).stem}_action")
    array, action = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS"), np.empty(action_size)
    function.argtypes, function.restype = [array, array], None
    return lambda observation: (function(observation, action), action.copy())[1]


if __name__ == "__main__":
    act = {".npz": from_npz, ".onnx": from_onnx, ".so": from_c}[Path(sys.argv[1]).suffix](sys.argv[1])
    for line in sys.stdin:
        print(*act(np.array(line.split(), dtype=float)), flush=True)
