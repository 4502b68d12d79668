"""Act with an exported policy, of any of the three formats, without esmaml_mpi.

    esmaml export results/mine.h5 --policy npz --output robot.npz      # or onnx, or c
    cc -std=c99 -O2 -ffp-contract=off -shared -fPIC robot.c -o robot.so -lm
    python robot_driver.py robot.npz|robot.onnx|robot.so < observations > actions

An observation is a line of numbers, as measured; so is the action that answers it. A policy that remembers begins a new
episode at an empty line. A line of fewer or more numbers, or with one that is not finite, ends the program: there is no
action to it, and what a policy remembers would be lost.
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
    architecture = str(policy.get("architecture", "mlp"))  # files of version 0.1.0 have none
    state = np.zeros(int(policy.get("state_size", 0)))

    def remember(x):
        """The next state, of the normalised observation."""
        y = np.concatenate([x, state]) @ policy["cell_weights_0"] + policy["cell_biases_0"]
        if architecture == "elman":
            return np.tanh(y)
        keep, look = np.split(1 / (1 + np.exp(-y)), 2)
        new = np.tanh(np.concatenate([x, look * state]) @ policy["cell_weights_1"] + policy["cell_biases_1"])
        return new + keep * (state - new)

    def act(observation):
        x = (observation - policy["observation_mean"]) / policy["observation_std"]
        if state.size:
            x = state[:] = remember(x)
        for i in range(last + 1):
            x = x @ policy[f"weights_{i}"] + policy[f"biases_{i}"]
            x = squash[str(policy["activation" if i < last else "output"])](x)
        for i in np.flatnonzero(policy["action_scaled"]):
            x[i] = low[i] + (np.clip(x[i], -1.0, 1.0) + 1.0) * (0.5 * (high[i] - low[i]))
        return np.clip(x, low, high)

    act.size, act.reset = len(policy["observation_mean"]), lambda: state.fill(0.0)
    return act


def from_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    sizes = {each.name: each.shape[1] for each in session.get_inputs()}
    state = np.zeros((1, sizes.get("state", 0)))

    def act(observation):
        if not state.size:
            return session.run(["action"], {"observation": observation[None]})[0][0]
        action, state[:] = session.run(["action", "next_state"], {"observation": observation[None], "state": state})
        return action[0]

    act.size, act.reset = sizes["observation"], lambda: state.fill(0.0)
    return act


def from_c(path):
    card = json.loads(Path(path).with_suffix(".c.json").read_text())
    function = getattr(ctypes.CDLL(str(Path(path).resolve())), f"{card.get('prefix', Path(path).stem)}_action")
    array, action = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS"), np.empty(card["action"]["size"])
    state = np.zeros(card["policy"].get("state_size", 0))
    between = [state] if state.size else []
    function.argtypes, function.restype = [array] * (2 + len(between)), None

    def act(observation):
        function(observation, *between, action)
        return action.copy()

    act.size, act.reset = card["observation"]["size"], lambda: state.fill(0.0)
    return act


def observed(line, size):
    """The observation (size,) of a line."""
    observation = np.array(line.split(), dtype=float)
    if len(observation) != size or not np.isfinite(observation).all():
        sys.exit(f"{line.strip()!r}: {size} finite numbers are wanted.")
    return observation


if __name__ == "__main__":
    act = {".npz": from_npz, ".onnx": from_onnx, ".so": from_c}[Path(sys.argv[1]).suffix](sys.argv[1])
    for line in sys.stdin:
        if line.strip():
            print(*act(observed(line, act.size)), flush=True)
        else:
            act.reset()
