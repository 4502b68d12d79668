"""The numbers that make a task: what a robot weighs, how strong its motors are, what it stands on, what it measures.

Drawn tasks have them uniform within ranges of the config. Four named tasks are made of the middle of each range, but
for the battery, 16.8 V, and the side mass, none; two of them are the tests of Song et al. 2020, "Rapidly Adaptable
Legged Robots via Evolutionary Meta-Learning".
"""

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting

# Rows of the task parameters, in this order. ``side`` is +1 (left) or -1 (right); the others are ranges of the config.
QUANTITIES = (
    "base_mass",
    "leg_mass",
    "side_mass",
    "side",
    "voltage",
    "motor_strength",
    "viscous_friction",
    "joint_friction",
    "foot_friction",
    "latency",
    "sensor_noise",
)
ROW = {name: row for row, name in enumerate(QUANTITIES)}
RANGES = tuple(name for name in QUANTITIES if name != "side")
FULL_BATTERY = 16.8  # volts
NAMED = ("nominal", "mass_voltage_left", "mass_voltage_right", "low_friction")


def span(
    low: float,
    high: float,
    doc: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
) -> list[float]:
    """An option that is a range [low, high]."""
    return setting([low, high], doc + ": [low, high]", minimum=minimum, above=above, maximum=maximum)


def check_span(key: str, value: list[float], within: float | None = None) -> None:
    """ConfigError unless ``value`` is [low, high], low <= high, with ``within`` between them."""
    if len(value) != 2 or value[0] > value[1]:
        raise ConfigError(f"task.options.{key} = {value}: [low, high] with low <= high is wanted.")
    if within is not None and not value[0] <= within <= value[1]:
        raise ConfigError(f"task.options.{key} = {value}: {within:g} has to be between low and high.")


def drawn(ranges: dict[str, list[float]], generator: np.random.Generator) -> np.ndarray:
    """Parameters (p,) of a task drawn from ``ranges``; as many numbers are drawn whatever the ranges are."""
    uniform = generator.uniform(size=len(QUANTITIES))
    parameters = np.empty(len(QUANTITIES))
    for row, (name, u) in enumerate(zip(QUANTITIES, uniform, strict=True)):
        if name == "side":
            parameters[row] = 1.0 if u < 0.5 else -1.0
        else:
            low, high = ranges[name]
            parameters[row] = low + u * (high - low)
    return parameters


def named(name: str, ranges: dict[str, list[float]], voltage: float, side_mass: float, friction: float) -> np.ndarray:
    """Parameters (p,) of one of ``NAMED``, where a test has this battery and side mass, or this foot friction."""
    values = {key: (low + high) / 2 for key, (low, high) in ranges.items()}
    values.update(voltage=FULL_BATTERY, side_mass=0.0, side=1.0)
    if name.startswith("mass_voltage"):
        values.update(voltage=voltage, side_mass=side_mass, side=1.0 if name.endswith("left") else -1.0)
    elif name == "low_friction":
        values.update(foot_friction=friction)
    return np.array([values[key] for key in QUANTITIES])
