"""Closed-loop environment steps per second on one core, against open-loop ``mujoco.rollout`` and Gymnasium, in one run.

    python benchmarks/locomotion.py [--rounds 5]              speed on one core
    python benchmarks/locomotion.py hybrid mpirun -n 2        two threads in one process against these ranks

105 simulations, those of one evaluation on 5 tasks with 21 queries each, over 200 steps. ``mujoco.rollout`` replays, on
one thread, the very actions that the policies took, and must end in the same states; it neither observes nor rewards.
The Gymnasium loop is ``gymnasium.make(...).step`` with a NumPy policy, one environment at a time. Both of these run as
they do by themselves, with MuJoCo's own timing of its steps, which the closed loop switches off; the last column is the
closed loop with that timing. All are timed in turn; ratios are medians over the rounds.
"""

import argparse
import functools
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import gymnasium
import h5py
import mujoco
import mujoco.rollout
import numpy as np

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.locomotion import stopwatch
from esmaml_mpi.tasks.locomotion.simulation import BodySimulation
from esmaml_mpi.tasks.workspace import Workspace

SIMULATIONS, HORIZON, GYMNASIUM_EPISODES = 105, 200, 3
# Family, Gymnasium's environment, its arguments: no ends, so that all sides do the same steps; no contact forces.
BODIES = {
    "HalfCheetah": ("half_cheetah_forward_backward", "HalfCheetah-v5", {}),
    "Swimmer": ("swimmer_forward_backward", "Swimmer-v5", {}),
    "Walker2d": ("walker2d_forward_backward", "Walker2d-v5", dict(terminate_when_unhealthy=False, frame_skip=8)),
    "Ant": (
        "ant_forward_backward",
        "Ant-v5",
        dict(terminate_when_unhealthy=False, include_cfrc_ext_in_observation=False),
    ),
}
ROOT = Path(__file__).resolve().parent.parent
CLOCK = stopwatch.clock()
if CLOCK is None:
    sys.exit("MuJoCo's library is not where its package is")
TIMING = CLOCK.value  # as the package sets it


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["hybrid"]:
        hybrid(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times each side is measured (default 5)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("us per step   closed loop  mujoco.rollout  gymnasium   of mujoco.rollout  times gymnasium  timed")
    for body in BODIES:
        for label, hidden in (("linear", ()), ("width 32", (32,))):
            sides = Sides(body, hidden)
            times = [sides.measure() for _ in range(options.rounds)]
            ours, theirs, loop, _ = (statistics.median(side) * 1e6 for side in zip(*times, strict=True))
            of, over, timed = (statistics.median(time[i] / time[0] for time in times) for i in (1, 2, 3))
            name = f"{body}, {label}"
            print(f"{name:22} {ours:7.1f} {theirs:15.1f} {loop:10.1f} {of:18.3f} {over:16.2f} {timed:6.2f}", flush=True)


class Sides:
    """One body and architecture, ready to be timed in three ways."""

    def __init__(self, body: str, hidden: tuple[int, ...]):
        name, self.id, self.arguments = BODIES[body]
        ends = {} if body in ("HalfCheetah", "Swimmer") else dict(height_low=-np.inf, height_high=np.inf)
        if body == "Walker2d":
            ends["pitch_limit"] = np.inf
        self.family = make_family(name, HORIZON, ends)
        self.policy = Policy(self.family.observation_size, self.family.action_size, hidden)
        generator = np.random.default_rng(0)
        self.parameters = 0.3 * generator.standard_normal((self.policy.size, SIMULATIONS))
        self.tasks = np.where(np.arange(SIMULATIONS) % 2, -1.0, 1.0)[None]
        self.observer = Observer(np.zeros(self.policy.observation_size), np.ones(self.policy.observation_size))
        self.workspace = Workspace()
        self.actions, self.final = self._recorded()
        model = self.family.model
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        self.data, self.state = data, np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS))
        mujoco.mj_getState(model, data, self.state, mujoco.mjtState.mjSTATE_FULLPHYSICS)
        self.controls = np.repeat(self.actions, self.family.frame_skip, axis=1)
        np.testing.assert_allclose(self._open_loop()[:, 1 : 1 + model.nq], self.final, rtol=1e-6, atol=1e-6)

    def measure(self) -> tuple[float, float, float, float]:
        """Seconds per environment step of each side."""
        done = SIMULATIONS * HORIZON
        environment = gymnasium.make(self.id, disable_env_checker=True, **self.arguments)
        return (
            seconds(self._closed_loop) / done,
            seconds(self._open_loop, timed=True) / done,
            seconds(functools.partial(self._gymnasium, environment), timed=True) / (GYMNASIUM_EPISODES * HORIZON),
            seconds(self._closed_loop, timed=True) / done,
        )

    def _closed_loop(self):
        return simulate(self.policy, self.family, self.parameters, self.tasks, None, self.observer, self.workspace)

    def _recorded(self) -> tuple[np.ndarray, np.ndarray]:
        """Controls (B, T, m) that the closed loop gives the simulator, and its final positions (B, nq)."""
        controls, last, advance = [], {}, BodySimulation.advance

        def recording(simulation, substeps):
            controls.append(simulation.ctrl.copy())
            failed = advance(simulation, substeps)
            last["qpos"] = simulation.qpos.copy()
            return failed

        BodySimulation.advance = recording
        self._closed_loop()
        BodySimulation.advance = advance
        return np.stack(controls, axis=1), last["qpos"]

    def _open_loop(self) -> np.ndarray:
        """Final states (B, nstate)."""
        initial = np.repeat(self.state[None], SIMULATIONS, axis=0)
        states, _ = mujoco.rollout.rollout(
            self.family.model,
            self.data,
            initial,
            self.controls,
            initial_warmstart=np.repeat(self.data.qacc_warmstart[None], SIMULATIONS, axis=0),
        )
        return states[:, -1]

    def _gymnasium(self, environment):
        for episode in range(GYMNASIUM_EPISODES):
            layers = unpacked(self.policy, self.parameters[:, episode])
            observation, _ = environment.reset(seed=episode)
            for _ in range(HORIZON):
                hidden = observation
                for i, (weights, bias) in enumerate(layers, start=1):
                    hidden = hidden @ weights + bias
                    hidden = np.tanh(hidden) if i == len(layers) else np.maximum(hidden, 0.0)
                observation, *_ = environment.step(hidden)


def unpacked(policy: Policy, parameters: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (inputs, outputs) and biases of each layer."""
    layers, start = [], 0
    for inputs, outputs in policy.layers:
        end = start + inputs * outputs
        layers.append((parameters[start:end].reshape(inputs, outputs), parameters[end : end + outputs]))
        start = end + outputs
    return layers


def seconds(function, timed: bool = False) -> float:
    """Seconds of one call; ``timed``: while MuJoCo times its steps."""
    CLOCK.value = TIMING if timed else None
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def hybrid(launcher: list[str]) -> None:
    """Seconds of an iteration with two threads in one process, and with the launcher's ranks of one thread."""
    ways = {"2 threads, 1 rank": ([], 2), f"{' '.join(launcher)}, 1 thread": (launcher, 1)}
    found: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            for way, (prefix, threads) in ways.items():
                output = Path(folder) / "hybrid.h5"
                command = [*prefix, sys.executable, "-m", "esmaml_mpi", "train"]
                command += [str(ROOT / "configs/half_cheetah_forward_backward.toml"), "--output", str(output)]
                command += ["--overwrite"]
                for setting in ("meta.iterations=4", "test.every=0", "checkpoint.every=0", f"run.threads={threads}"):
                    command += ["--set", setting]
                subprocess.run(command, check=True, capture_output=True)
                with h5py.File(output) as file:
                    found[way] += file["train/seconds"][1:].tolist()
    for way, times in found.items():
        print(f"{way:40} {statistics.median(times):6.2f} s an iteration")


if __name__ == "__main__":
    main()
