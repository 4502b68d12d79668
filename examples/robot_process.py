"""A robot, as far as an adaptation can tell: a process of its own, which runs policies and says what they earned.

    python robot_process.py --body mass_voltage POLICY.npz         # one trial, for esmaml adapt --command
    python robot_process.py --body low_friction --seed 3           # a path a line on standard input, an answer each

It answers with the reward, and how far the robot walked: `0.812  # walked 1.050 m in 3.00 s`, or `... in all, fell
after 1.20 s`. The robot is the simulated quadruped, but none that a meta-policy was trained on: weaker motors, heavier
legs, a delay and noise of its sensors, and a reward that is measured with an error. It runs policies as robot_driver.py
does, by NumPy alone.
"""

import argparse
import sys

import numpy as np
from robot_driver import from_npz

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.quadruped.quantities import ROW
from esmaml_mpi.tasks.workspace import Workspace

# What all bodies have, and what each has beside it; docs/quadruped.md has the units.
ROBOT = dict(
    base_mass=1.1, leg_mass=1.15, side_mass=0.0, side=1.0, voltage=16.8, motor_strength=0.9, viscous_friction=0.03,
    joint_friction=0.04, foot_friction=0.9, latency=30.0, sensor_noise=0.02,
)  # fmt: skip
BODIES = {
    "nominal": {},
    "mass_voltage": dict(voltage=10.0, side_mass=0.5),
    "low_friction": dict(foot_friction=0.2),
}
# The rewards of configs/quadruped.toml, the noise of the sensors, and an error of 0.05 of each episode's reward.
OPTIONS = dict(drift_weight=0.2, sensor_noise=[0.0, 0.05], reward_noise=0.05)


class Robot:
    """One of BODIES; ``generator`` makes the noise of its sensors and of its rewards."""

    def __init__(self, body, generator):
        self.family = make_family("quadruped", options=OPTIONS)
        self.task = np.zeros((len(ROW), 1))
        for name, value in {**ROBOT, **BODIES[body]}.items():
            self.task[ROW[name]] = value
        self.generator, self.workspace = generator, Workspace()

    def episode(self, act):
        """Reward, metres forwards, and seconds until it fell or the episode was over, with a policy ``act``."""
        family, horizon = self.family, self.family.horizon
        observations = np.zeros((horizon + 1, family.observation_size, 1))
        simulation = family.simulation(self.task, family.draw_noise(self.generator, 1), self.workspace)
        simulation.reset(observations[0])
        start, steps = float(simulation.position[0, 0]), 0
        while steps < horizon and simulation.running.all():
            simulation.step(act(observations[steps, :, 0]).reshape(-1, 1), observations[steps + 1])
            steps += 1
        rewards, _ = simulation.rewards(observations[: steps + 1], self.task)
        return float(rewards.sum()), float(simulation.position[0, 0]) - start, steps / family.rate


def answer(robot, path):
    """The line that a trial of the policy in ``path`` is answered with; a simulation that diverged has no reward."""
    reward, metres, seconds = robot.episode(from_npz(path))
    whole = robot.family.horizon / robot.family.rate
    how = f"in {whole:.2f} s" if seconds == whole else f"in all, fell after {seconds:.2f} s"
    return f"{reward:.6f}  # walked {metres:.3f} m {how}" if np.isfinite(reward) else "skip # diverged"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", nargs="?")
    parser.add_argument("--body", choices=BODIES, default="nominal")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    robot = Robot(options.body, np.random.default_rng(options.seed))
    for path in [options.policy] if options.policy else (line.strip() for line in sys.stdin):
        print(answer(robot, path), flush=True)
