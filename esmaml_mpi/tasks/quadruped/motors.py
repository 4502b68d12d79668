"""Motors under position control: pulse width from the error, current from the battery, torque from the current.

Constants are those of bullet3 ``pybullet_envs/minitaur/envs/motor.py``, a model of Minitaur's motors: resistance,
torque constant, and the torque measured at each current, at which the iron saturates.
"""

import numpy as np

RESISTANCE = 0.186  # ohms
TORQUE_CONSTANT = 0.0954  # Nm/A, and volts of back-EMF per rad/s
LARGEST_VOLTAGE = 50.0  # diodes of the controller clip the net voltage to +- this
CURRENTS = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0])  # amperes
TORQUES = np.array([0.0, 1.0, 1.9, 2.45, 3.0, 3.25, 3.5])  # Nm at these currents; no more above


class Motors:
    """The motors of b robots. ``voltage``, ``strength`` and ``viscous`` (b,) are the battery's volts, a factor on the
    torque, and friction in Nms/rad, which the source adds to the back-EMF constant, so that it is felt as volts.
    """

    def __init__(self, kp: float, kd: float, voltage: np.ndarray, strength: np.ndarray, viscous: np.ndarray):
        self.kp, self.kd = kp, kd
        self.voltage, self.strength, self.drag = voltage, strength, TORQUE_CONSTANT + viscous

    def torques(self, targets: np.ndarray, angles: np.ndarray, velocities: np.ndarray) -> np.ndarray:
        """Torques (m, b) in Nm of motors at angles (m, b) rad and velocities (m, b) rad/s that are sent to targets."""
        width = (targets - angles) * self.kp
        width -= velocities * self.kd
        np.minimum(np.maximum(width, -1.0, out=width), 1.0, out=width)
        volts = width
        volts *= self.voltage
        volts -= velocities * self.drag
        np.minimum(np.maximum(volts, -LARGEST_VOLTAGE, out=volts), LARGEST_VOLTAGE, out=volts)
        torques = np.interp(np.abs(volts) / RESISTANCE, CURRENTS, TORQUES)
        torques *= self.strength
        signed: np.ndarray = np.copysign(torques, volts, out=torques)
        return signed

    def narrow(self, kept: np.ndarray) -> None:
        """Go on with the robots ``kept``."""
        self.voltage, self.strength, self.drag = self.voltage[kept], self.strength[kept], self.drag[kept]
