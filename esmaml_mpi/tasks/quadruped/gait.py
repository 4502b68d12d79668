"""A trajectory generator for legs: a cycle of foot motions that a policy modulates (PMTG, Iscen et al. 2018), trotting.

A leg is a cycle of stance, in which its foot moves back, and swing, in which it is lifted and moves forward. All legs
share one phase. The policy sees the phase, and sets how fast it runs, how far legs swing, how high the body is held and
how long a swing is against a stance. Ranges: bullet3 ``envs_v2/env_wrappers/pmtg_wrapper_env.py``, but for the height,
which is in units of its own there. An output of 0 is the generator's own gait.
"""

from dataclasses import dataclass

import numpy as np

LINK = 0.11  # metres of a thigh and of a shank
STANDING = np.pi / 6  # half a knee's bend in the stand, in which motor angles are 0
LEAST_BEND, MOST_BEND = np.radians(6), np.radians(68)  # of half a knee, within the joint's limits
# Legs front left, back left, front right, back right; knees of the front point backwards, of the back forwards.
BEND = np.array([1.0, -1.0, 1.0, -1.0])[:, None]
TROT = np.array([0.0, 0.5, 0.5, 0.0])[:, None]  # of a cycle: diagonal legs move together
NEUTRAL = {"speed": 1.0, "intensity": 1.0, "height": 0.0, "swing_ratio": 1.0}
TURN = 2 * np.pi


@dataclass(frozen=True)
class Gait:
    """What the generator does when it is left alone, and the [low, high] of what a policy sets."""

    frequency: float  # cycles per second
    swing: float  # radians that a leg swings forwards and back
    lift: float  # metres that a foot is lifted
    ranges: dict[str, list[float]]  # those of NEUTRAL
    cutoff: float  # Hz of the low-pass that modulations go through


class Generator:
    """The generators of b robots. ``phase`` (b,) in radians; ``modulation`` (4, b), in the order of NEUTRAL."""

    size = len(NEUTRAL)

    def __init__(self, gait: Gait, seconds: float, batch: int):
        """``seconds`` of a step."""
        self.gait, self.seconds = gait, seconds
        self.neutral = np.array(list(NEUTRAL.values()))[:, None]
        low, high = np.array([gait.ranges[name] for name in NEUTRAL]).T[:, :, None]
        self.down, self.up = self.neutral - low, high - self.neutral
        self.following = 1.0 - np.exp(-TURN * gait.cutoff * seconds)
        self.phase = np.zeros(batch)
        self.modulation = np.repeat(self.neutral, batch, axis=1)
        self.modulation[1] = 0.0  # legs start from the stand, and swing more and more

    def step(self, actions: np.ndarray) -> np.ndarray:
        """Motor targets (8, b) in radians after a step with actions (4, b) within +-1."""
        wanted = self.neutral + actions * np.where(actions < 0, self.down, self.up)
        self.modulation += (wanted - self.modulation) * self.following
        speed, intensity, height, ratio = self.modulation
        phase = self.phase + (TURN * self.gait.frequency * self.seconds) * speed
        self.phase = phase - TURN * np.floor(phase / TURN)
        return self._targets(intensity, height, ratio)

    def phases(self) -> np.ndarray:
        """What the policy sees of the phase: its sine and cosine (2, b)."""
        return np.stack([np.sin(self.phase), np.cos(self.phase)])

    def narrow(self, kept: np.ndarray) -> None:
        """Go on with the robots ``kept``."""
        self.phase, self.modulation = self.phase[kept], self.modulation.take(kept, axis=1)

    def _targets(self, intensity: np.ndarray, height: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        phase = self.phase + TURN * TROT
        phase -= np.where(phase >= TURN, TURN, 0.0)
        stance = TURN / (1.0 + ratio)  # what it takes of a cycle
        # Stance and swing each take half of a warped cycle.
        warped = np.where(phase < stance, phase * (np.pi / stance), TURN - (TURN - phase) * (np.pi / (TURN - stance)))
        swing = (self.gait.swing * intensity) * np.cos(warped)
        length = (2 * LINK * np.cos(STANDING)) + height
        length = length - (self.gait.lift * intensity) * np.maximum(-np.sin(warped), 0.0)
        return leg_angles(swing, length)


def leg_angles(swing: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Motor angles (8, b), hip and knee leg by leg, that put feet at angles (4, b) forwards of straight down and at
    distances (4, b) metres from the hip, as far as knees bend.
    """
    cosine = np.minimum(np.maximum(length / (2 * LINK), np.cos(MOST_BEND)), np.cos(LEAST_BEND))
    bend = BEND * (np.arccos(cosine) - STANDING)
    angles = np.empty((2 * len(swing), swing.shape[1]))
    np.subtract(swing, bend, out=angles[0::2])
    np.multiply(bend, 2.0, out=angles[1::2])
    return angles
