"""The quadruped as the options of its family describe it: body, sensors, trajectory generator, and what it earns."""

from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion import models
from esmaml_mpi.tasks.locomotion.family import variants
from esmaml_mpi.tasks.quadruped import sensors
from esmaml_mpi.tasks.quadruped.gait import NEUTRAL, Gait, Generator
from esmaml_mpi.tasks.quadruped.quantities import NAMED, RANGES, check_span, span

MODEL = Path(__file__).with_name("quadruped.xml")
MOTORS = 8
PHASE = 2  # numbers of the generator's phase in the observation


@dataclass(frozen=True)
class Robot:
    """Options of the family, and what follows from them alone."""

    horizon: int = 300
    variant: str = variants("paper", "bullet", "narrow", "wide")

    base_mass: list[float] = span(0.8, 1.2, "factor on the base's mass and inertia", above=0)
    leg_mass: list[float] = span(0.8, 1.2, "factor on the legs' masses and inertias", above=0)
    side_mass: list[float] = span(0.0, 0.0, "kg on the left or the right side", minimum=0, maximum=5)
    voltage: list[float] = span(10.0, 16.8, "volts of the battery", above=0)
    motor_strength: list[float] = span(0.8, 1.2, "factor on the motors' torque", above=0)
    viscous_friction: list[float] = span(0.0, 0.05, "viscous friction of motors, Nms/rad", minimum=0, maximum=1)
    joint_friction: list[float] = span(0.0, 0.05, "dry friction of joints, Nm", minimum=0, maximum=10)
    foot_friction: list[float] = span(0.5, 1.25, "friction coefficient of feet on the floor", above=0)
    latency: list[float] = span(0.0, 40.0, "age of what sensors show, ms", minimum=0, maximum=1000)
    sensor_noise: list[float] = span(
        0.0, 0.0, "std of sensors: rad of angles, ten times as many rad/s and Nm", minimum=0
    )
    named_tasks_from: int = setting(
        1000,
        "ids of the named tasks, from this one on: " + ", ".join(NAMED) + "; all other ids are drawn",
        minimum=0,
        maximum=10**6,
    )
    test_voltage: float = setting(10.0, "volts of the battery in the mass_voltage tasks", above=0)
    test_side_mass: float = setting(0.5, "kg on the side in the mass_voltage tasks", minimum=0, maximum=5)
    test_foot_friction: float = setting(0.2, "foot friction in the low_friction task", above=0)

    kp: float = setting(1.0, "pulse width per rad of a motor's error", minimum=0)
    kd: float = setting(0.02, "pulse width per rad/s of a motor's velocity", minimum=0)
    substeps: int = setting(5, "simulator steps of 2 ms per action", minimum=1, maximum=100)
    observe: list[str] = setting(
        ["attitude", "rates", "motor_angles"], "sensors that the policy sees", choices=sensors.SENSORS
    )
    residual_limit: float = setting(
        0.15,
        "actions move motors by up to this from where the trajectory generator, or without one the stand, has them, "
        "radians",
        minimum=0,
    )

    trajectory_generator: bool = setting(
        True, "whether legs walk by themselves, and the policy modulates that and sees its phase (PMTG)"
    )
    frequency: float = setting(2.0, "cycles of the generator per second", above=0, maximum=20)
    swing: float = setting(0.35, "a generated leg swings this far forwards and back, radians", minimum=0, maximum=1)
    lift: float = setting(0.045, "a generated foot is lifted this far, metres", minimum=0, maximum=0.1)
    speed: list[float] = span(0.0, 3.0, "factor on the frequency that a policy can set", minimum=0)
    intensity: list[float] = span(0.0, 1.5, "factor on swing and lift that a policy can set", minimum=0)
    height: list[float] = span(-0.02, 0.02, "metres that a policy can raise the body by", minimum=-0.1, maximum=0.1)
    swing_ratio: list[float] = span(0.2, 5.0, "time of swing over time of stance that a policy can set", above=0)
    modulation_cutoff: float = setting(3.0, "Hz of the low-pass on speed, intensity, height and ratio", above=0)

    distance_weight: float = setting(1.0, "reward for a metre forwards")
    speed_limit: float = setting(np.inf, "metres per second above which no more is earned", above=0, finite=False)
    energy_weight: float = setting(0.005, "cost of a joule of abs(torque . velocity)", minimum=0)
    drift_weight: float = setting(0.0, "cost of a metre sideways", minimum=0)
    shake_weight: float = setting(
        0.0, "cost of a step at which the body's up-vector is off by abs(x + y) = 1", minimum=0
    )
    reward_noise: float = setting(0.0, "std of a normal number added to each episode's return", minimum=0)
    height_low: float = setting(0.13, "over when the base is below this, metres; -inf: never", finite=False)
    upright_low: float = setting(
        0.85, "over when z of the body's up-vector is below this; -1: never", minimum=-1, maximum=1
    )

    def __post_init__(self) -> None:
        for key in RANGES:
            check_span(key, getattr(self, key))
        for key, neutral in NEUTRAL.items():
            check_span(key, getattr(self, key), neutral)

    @property
    def model(self) -> mujoco.MjModel:
        """Shared; tasks change copies of its fields."""
        return models.load(MODEL)

    @property
    def model_warnings(self) -> list[str]:
        """What MuJoCo says of the model."""
        self.model  # noqa: B018 (loads it)
        return [f"{MODEL.name}: {message}" for message in models.warnings[MODEL.name]]

    @property
    def seconds(self) -> float:
        """Simulated time of one step."""
        timestep: float = self.model.opt.timestep
        return timestep * self.substeps

    @property
    def action_size(self) -> int:
        return MOTORS + (Generator.size if self.trajectory_generator else 0)

    @property
    def observation_size(self) -> int:
        return sensors.size(self.observe) + (PHASE if self.trajectory_generator else 0)

    @property
    def observation_names(self) -> tuple[str, ...]:
        return (*sensors.labels(self.observe), *(("sine of phase", "cosine of phase") * self.trajectory_generator))

    @property
    def action_names(self) -> tuple[str, ...]:
        motors = tuple(f"{joint} (x {self.residual_limit:g} rad)" for joint in sensors.MOTOR_NAMES)
        return motors + (tuple(name.replace("_", " ") for name in NEUTRAL) if self.trajectory_generator else ())

    @property
    def action_low(self) -> tuple[float, ...]:
        return (-1.0,) * self.action_size

    @property
    def action_high(self) -> tuple[float, ...]:
        return (1.0,) * self.action_size

    @property
    def rate(self) -> float:
        """Actions a second."""
        return 1.0 / self.seconds

    @property
    def sensor_noise_size(self) -> int:
        """Numbers of an episode's sensor noise: one for each sensor value that is acted upon."""
        return self.horizon * sensors.size(self.observe) if self.sensor_noise[1] > 0 else 0

    @property
    def noise_size(self) -> int:
        return self.sensor_noise_size + (1 if self.reward_noise > 0 else 0)

    def make_gait(self) -> Gait:
        """What the trajectory generator does."""
        ranges = {key: getattr(self, key) for key in NEUTRAL}
        return Gait(self.frequency, self.swing, self.lift, ranges, self.modulation_cutoff)
