"""Walker2d whose body differs between tasks: how bodies are drawn, and that each task has its own and no other's."""

import mujoco
import numpy as np
import plain_bodies
import pytest
from helpers import near, task_table
from played import play, variants_of

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

NAME = "walker2d_random_parameters"
# Field of the model, base and range of its factors.
PUBLISHED = {
    "body_mass": (1.5, 0.296, 3.375),
    "body_inertia": (1.5, 0.296, 3.375),
    "dof_damping": (1.3, 0.455, 2.197),
    "geom_friction": (1.5, 0.296, 3.375),
}
TASKS = 3000


def fields(family, tasks):
    """(name, factors) of each field, from task parameters (p, T)."""
    start = 0
    for name in PUBLISHED:
        size = getattr(family.model, name).size
        yield name, tasks[start : start + size]
        start += size
    assert start == len(tasks)


@pytest.mark.parametrize("variant", variants_of(NAME))
def test_factors_are_powers_uniform_in_the_published_range(variant):
    family = make_family(NAME, None, {"variant": variant})
    for name, factors in fields(family, task_table(family, TASKS)):
        base, low, high = PUBLISHED[name]
        assert low < factors.min() * 1.002 and factors.max() < high * 1.0002  # the table has three digits
        exponents = np.log(factors) / np.log(base)
        assert np.all(exponents.min(axis=1) < -2.95) and np.all(exponents.max(axis=1) > 2.95)
        assert near(exponents.T, 0.0) and near(exponents.T**2, 3.0)
    assert family.task_count is None and not family.tasks_share_dynamics


def test_every_entry_of_every_field_has_a_factor_of_its_own():
    table = task_table(make_family(NAME), TASKS)
    correlations = np.corrcoef(np.log(table)) - np.eye(len(table))
    assert np.abs(correlations).max() < 5 / np.sqrt(TASKS)


def test_a_limit_of_zero_is_the_body_itself():
    family = make_family(NAME, 10, {"log_scale_limit": 0.0})
    assert np.all(task_table(family, 3) == 1.0)
    plain = make_family("walker2d_forward_backward", 10, {"timestep": 0.004, "frame_skip": 4})
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (10, 6, 2))
    ours = play(family, task_table(family, 2), actions)
    theirs = play(plain, np.ones((1, 2)), actions)
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_a_task_is_a_model_with_its_fields_and_what_follows_from_them():
    family = make_family(NAME)
    table = task_table(family, 3)
    simulation = family.simulation(table, None, Workspace())
    for b in range(3):
        expected = plain_bodies.load("walker2d_v5.xml", 0.004)
        for name, factors in fields(family, table[:, [b]]):
            field = getattr(expected, name)
            field[...] = field * factors.reshape(field.shape)
        mujoco.mj_setConst(expected, mujoco.MjData(expected))
        found = simulation.physics.get_model(b)
        for name in (*PUBLISHED, "body_subtreemass", "dof_invweight0", "body_invweight0", "actuator_acc0"):
            assert np.array_equal(getattr(found, name), getattr(expected, name)), name
        assert not np.array_equal(found.dof_invweight0, family.model.dof_invweight0)


def test_earlier_tasks_leave_the_body_as_it_was():
    family = make_family(NAME, 20)
    pristine = plain_bodies.load("walker2d_v5.xml", 0.004)
    table, actions = task_table(family, 6), np.random.default_rng(0).uniform(-1.0, 1.0, (20, 6, 2))
    first = play(family, table[:, :2], actions)
    for k in (2, 4):
        play(family, table[:, k : k + 2], actions)
    again = play(family, table[:, :2], actions)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    for name in (*PUBLISHED, "body_subtreemass", "dof_invweight0"):
        assert np.array_equal(getattr(family.model, name), getattr(pristine, name)), name
    assert family.model.opt.timestep == 0.004


def test_other_walkers_keep_their_own_time_step():
    make_family(NAME, 3).model  # noqa: B018 (loads it)
    assert make_family("walker2d_forward_backward").model.opt.timestep == 0.002
    assert make_family("walker2d_forward_backward").seconds == make_family(NAME).seconds == 0.016
