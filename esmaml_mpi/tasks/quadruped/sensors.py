"""What a robot measures of itself, some time late and not exactly.

Latency delays all sensors alike. What is seen is interpolated between the two control steps around the moment that is
that long ago; before the first one the robot stood as at the first. The controller's own phase is not a sensor.
"""

import numpy as np

# name -> number of values, and the std of their noise where the task's is 1: as many radians for angles, ten times as
# many rad/s and Nm. The ratios are guesses.
SENSORS = {
    "attitude": (2, 1.0),  # roll, pitch, rad
    "rates": (2, 10.0),  # of roll and pitch about the body's own axes, rad/s
    "quaternion": (4, 1.0),
    "motor_angles": (8, 1.0),  # from the stand, rad
    "motor_velocities": (8, 10.0),  # rad/s
    "motor_torques": (8, 10.0),  # delivered in the last 2 ms, Nm
}
LEGS = ("front_left", "back_left", "front_right", "back_right")
MOTOR_NAMES = tuple(f"{leg.replace('_', ' ')} {joint}" for leg in LEGS for joint in ("hip", "knee"))
LABELS = {
    "attitude": ("roll (rad)", "pitch (rad)"),
    "rates": ("roll rate (rad/s)", "pitch rate (rad/s)"),
    "quaternion": ("quaternion w", "quaternion x", "quaternion y", "quaternion z"),
    "motor_angles": tuple(f"{motor} angle (rad)" for motor in MOTOR_NAMES),
    "motor_velocities": tuple(f"{motor} velocity (rad/s)" for motor in MOTOR_NAMES),
    "motor_torques": tuple(f"{motor} torque (Nm)" for motor in MOTOR_NAMES),
}
MOTORS_FROM = 7  # in qpos; 6 in qvel


def size(names: list[str]) -> int:
    """How many values these sensors have."""
    return sum(SENSORS[name][0] for name in names)


def labels(names: list[str]) -> list[str]:
    """What each value of these sensors is, with its unit."""
    return [label for name in names for label in LABELS[name]]


def noise_scales(names: list[str]) -> np.ndarray:
    """Noise (n, 1) of each value in units of the task's."""
    return np.concatenate([np.full(SENSORS[name][0], SENSORS[name][1]) for name in names])[:, None]


def measure(names: list[str], qpos: np.ndarray, qvel: np.ndarray, torques: np.ndarray, out: np.ndarray) -> None:
    """Write the values of these sensors into ``out`` (n, b), of qpos (15, b), qvel (14, b) and torques (8, b)."""
    start = 0
    for name in names:
        rows = out[start : start + SENSORS[name][0]]
        start += len(rows)
        if name == "attitude":
            w, x, y, z = qpos[3:7]
            np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y), out=rows[0])
            np.arcsin(np.minimum(np.maximum(2 * (w * y - x * z), -1.0), 1.0), out=rows[1])
        elif name == "rates":
            rows[...] = qvel[3:5]
        elif name == "quaternion":
            rows[...] = qpos[3:7]
        elif name == "motor_angles":
            rows[...] = qpos[MOTORS_FROM:]
        elif name == "motor_velocities":
            rows[...] = qvel[MOTORS_FROM - 1 :]
        else:
            rows[...] = torques


class Delay:
    """The last measurements of b robots, and what each sees of them."""

    def __init__(self, steps: np.ndarray, most: float):
        """Delays of ``steps`` (b,) control steps, at most ``most``."""
        ages = np.arange(int(most) + 2)[:, None]
        # Linear interpolation: 1 - distance to the two neighbouring ages, 0 for the others.
        self.weights = np.maximum(1.0 - np.abs(steps - ages), 0.0)
        self.past: list[np.ndarray] = []  # newest first

    def start(self, values: np.ndarray) -> None:
        """Begin with measurements (n, b)."""
        self.past = [values.copy() for _ in self.weights]

    def see(self, values: np.ndarray) -> np.ndarray:
        """Take the newest measurements (n, b) and give those that are seen."""
        newest = self.past.pop()
        newest[...] = values
        self.past.insert(0, newest)
        seen: np.ndarray = self.past[0] * self.weights[0]
        for weight, old in zip(self.weights[1:], self.past[1:], strict=True):
            seen += old * weight
        return seen

    def narrow(self, kept: np.ndarray) -> None:
        """Go on with the robots ``kept``."""
        self.weights, self.past = self.weights.take(kept, axis=1), [old.take(kept, axis=1) for old in self.past]
