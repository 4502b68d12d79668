"""The tasks of the quadruped: ranges, the named ones, variants, errors."""

from pathlib import Path

import numpy as np
import pytest
from helpers import MOST_STANDARD_ERRORS, deviations, same, task_table

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import make_family, options_of
from esmaml_mpi.tasks.quadruped.gait import NEUTRAL
from esmaml_mpi.tasks.quadruped.quantities import NAMED, QUANTITIES, RANGES, ROW
from esmaml_mpi.tasks.rehearsal import rehearse

CONFIG = Path(__file__).parents[2] / "configs" / "quadruped.toml"
NOMINAL, LEFT, RIGHT, SLIPPERY = range(1000, 1004)


def quadruped(horizon=None, **options):
    return make_family("quadruped", horizon, options)


def tasks_of(family, *ids):
    return np.stack([family.task_parameters(i, np.random.default_rng(i)) for i in ids], axis=1)


def test_drawn_tasks_fill_their_ranges():
    family = quadruped(side_mass=[0.1, 0.4], sensor_noise=[0.01, 0.03])
    tasks = task_table(family, 400)
    for name in RANGES:
        low, high = getattr(family, name)
        unit = (tasks[ROW[name]] - low) / (high - low)
        assert 0 <= unit.min() < 0.02 and 0.98 < unit.max() <= 1
        assert abs(deviations(unit, 0.5)) < MOST_STANDARD_ERRORS
    assert set(tasks[ROW["side"]]) == {-1.0, 1.0}


def test_a_range_that_is_changed_leaves_the_other_quantities_of_a_task_alone():
    wider = task_table(quadruped(voltage=[5.0, 20.0]), 5) == task_table(quadruped(), 5)
    assert not wider[ROW["voltage"]].any() and np.delete(wider, ROW["voltage"], axis=0).all()


def test_named_tasks_are_the_two_tests_and_the_robot_before_them():
    family = quadruped(named_tasks_from=20, test_voltage=9.0, test_side_mass=0.25, test_foot_friction=0.1)
    ids = dict(zip(NAMED, range(20, 24), strict=True))
    values = {name: dict(zip(QUANTITIES, tasks_of(family, i)[:, 0], strict=True)) for name, i in ids.items()}
    middle = {name: sum(getattr(family, name)) / 2 for name in RANGES}
    nominal = {**middle, "voltage": 16.8, "side_mass": 0.0, "side": 1.0}
    assert values["nominal"] == nominal
    assert values["mass_voltage_left"] == {**nominal, "voltage": 9.0, "side_mass": 0.25}
    assert values["mass_voltage_right"] == {**nominal, "voltage": 9.0, "side_mass": 0.25, "side": -1.0}
    assert values["low_friction"] == {**nominal, "foot_friction": 0.1}
    plain = quadruped()
    assert tasks_of(plain, LEFT)[[ROW["voltage"], ROW["side_mass"]], 0].tolist() == [10.0, 0.5]
    assert same(tasks_of(plain, 19), tasks_of(family, 19)) and not same(tasks_of(plain, 20), tasks_of(family, 20))


@pytest.mark.parametrize("variant", ["paper", "bullet", "narrow", "wide"])
def test_every_variant_can_be_simulated(variant):
    family = quadruped(variant=variant)
    rehearse(family)
    assert make_family("quadruped", None, options_of(family)) == family


@pytest.mark.parametrize(
    "options, message",
    [
        ({"voltage": [16.8, 10.0]}, r"task\.options\.voltage = \[16\.8, 10\.0\]: \[low, high\] with low <= high"),
        ({"latency": [10.0]}, r"task\.options\.latency = \[10\.0\]: \[low, high\]"),
        ({"latency": [-1, 10]}, r"task\.options\.latency = -1\.0: a value >= 0"),
        ({"foot_friction": [0, 1]}, r"task\.options\.foot_friction = 0\.0: a value > 0"),
        ({"foot_friction": 1.0}, r"task\.options\.foot_friction = 1\.0: a list is wanted"),
        ({"speed": [1.5, 3.0]}, r"task\.options\.speed = \[1\.5, 3\.0\]: 1 has to be between low and high"),
        ({"observe": ["attitude", "smell"]}, r"task\.options\.observe = 'smell'"),
        ({"mass": [1, 2]}, r"task\.options\.mass"),
        ({"reward_noise": -1}, r"task\.options\.reward_noise = -1\.0: a value >= 0"),
    ],
)
def test_errors_name_the_key_the_value_and_what_is_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        quadruped(**options)


def test_the_config_trains_on_drawn_tasks_and_tests_on_the_named_ones():
    config = load(str(CONFIG), []).resolved()
    family = Experiment(config).family
    named = range(family.named_tasks_from, family.named_tasks_from + len(NAMED))
    assert set(named) <= set(config.test_tasks) and not set(named) & set(config.train_tasks)
    assert set(NEUTRAL) <= set(options_of(family))
