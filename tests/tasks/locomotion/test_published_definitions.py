"""Every family in every variant, against tables of what was published and a plain loop over mj_step."""

from dataclasses import dataclass

import mujoco
import numpy as np
import plain_bodies
import pytest
from helpers import near, task_table
from plain_bodies import Definition, ant_stands, at_speed, forward, near_place, signed, towards, walker_stands
from played import LOCOMOTION, play, steps_of, variants_of

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import make_family, options_of

CHEETAH = dict(file="half_cheetah.xml", skip=5, control=0.05)
SWIMMER = dict(file="swimmer.xml", skip=4, control=0.0001)
WALKER = dict(file="walker2d_v5.xml", skip=8, control=0.001, bonus=1.0, stands=walker_stands)
ANT = dict(file="ant.xml", skip=5)
PROMP_ANT = dict(ANT, control=0.5, contact=0.0005, bonus=1.0, stands=ant_stands(0.0), parts=("contacts",))
OYSTER_ANT = dict(PROMP_ANT, stands=ant_stands(0.2), parts=())
RLLAB_ANT = dict(
    file="ant.xml",
    skip=2,  # rllab acts every 0.02 s
    control=0.005,
    contact=0.0005,
    bonus=0.05,
    stands=ant_stands(0.2),
    parts=("plane", "contacts", "torso", "rotation"),
)
GOAL_ANT = dict(ANT, control=0.1, contact=0.0005, parts=("plane", "contacts"))
WITH_TORSO = ("torso",)

# mujoco-py's contact forces, 84 for Ant, begin with the world's six, which are always zero; here there are 78.
WORLD = 6


def random_walker(task):
    """Factors for all masses, then inertias, dampings and frictions."""
    model = plain_bodies.load("walker2d_v5.xml", 0.004)
    rest = task
    for field in (model.body_mass, model.body_inertia, model.dof_damping, model.geom_friction):
        factors, rest = np.split(rest, [field.size])
        field *= factors.reshape(field.shape)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


@dataclass(frozen=True)
class Row:
    """``start``: uniform and normal part of positions, then of velocities; ``size``: of observations."""

    definition: Definition
    size: int
    start: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


EXACT = (0.0, 0.0, 0.0, 0.0)
STANDARD = (0.1, 0.0, 0.0, 0.1)  # ProMP, oyster and Gymnasium: HalfCheetah and Ant
RLLAB = (0.0, 0.01, 0.0, 0.1)
SWIMS = (0.1, 0.0, 0.1, 0.0)
WALKS = (0.005, 0.0, 0.005, 0.0)

TABLE = {
    ("half_cheetah_forward_backward", "paper"): Row(Definition(main=signed, **CHEETAH), 17),
    ("half_cheetah_forward_backward", "promp"): Row(Definition(main=signed, **CHEETAH), 17, STANDARD),
    ("half_cheetah_forward_backward", "oyster"): Row(
        Definition(main=signed, **CHEETAH, parts=WITH_TORSO), 20, STANDARD
    ),
    ("half_cheetah_forward_backward", "finn"): Row(
        Definition(main=signed, **{**CHEETAH, "skip": 1}, parts=WITH_TORSO), 20, RLLAB
    ),
    ("half_cheetah_forward_backward", "gymnasium"): Row(
        Definition(main=signed, **{**CHEETAH, "control": 0.1}), 17, STANDARD
    ),
    ("half_cheetah_goal_velocity", "paper"): Row(Definition(main=at_speed, **CHEETAH), 17),
    ("half_cheetah_goal_velocity", "promp"): Row(Definition(main=at_speed, **CHEETAH), 17, STANDARD),
    ("half_cheetah_goal_velocity", "oyster"): Row(Definition(main=at_speed, **CHEETAH, parts=WITH_TORSO), 20, STANDARD),
    ("half_cheetah_goal_velocity", "garage"): Row(Definition(main=at_speed, **CHEETAH, parts=WITH_TORSO), 20, STANDARD),
    ("half_cheetah_goal_velocity", "finn"): Row(
        Definition(main=at_speed, **{**CHEETAH, "skip": 1}, parts=WITH_TORSO), 20, RLLAB
    ),
    ("swimmer_forward_backward", "paper"): Row(Definition(main=signed, **SWIMMER), 8),
    ("swimmer_forward_backward", "gymnasium"): Row(Definition(main=signed, **SWIMMER), 8, SWIMS),
    ("swimmer_goal_velocity", "paper"): Row(Definition(main=at_speed, **SWIMMER), 8),
    # the source's sign rewards being far from the goal
    ("swimmer_goal_velocity", "promp"): Row(Definition(main=at_speed, weight=-1.0, **SWIMMER), 8, SWIMS),
    ("swimmer_goal_velocity", "finn"): Row(
        # rllab acts every 0.05 s
        Definition("swimmer.xml", at_speed, 5, weight=1.5, control=0.005, parts=("plane", "torso")),
        13,
        RLLAB,
    ),
    ("walker2d_forward_backward", "paper"): Row(Definition(main=signed, **WALKER), 17),
    ("walker2d_forward_backward", "promp"): Row(Definition(main=signed, **WALKER), 17, WALKS),
    ("walker2d_forward_backward", "gymnasium"): Row(
        Definition(main=signed, **{**WALKER, "skip": 4}, bonus_when_fallen=False), 17, WALKS
    ),
    ("walker2d_goal_velocity", "paper"): Row(Definition(main=at_speed, **{**WALKER, "bonus": 15.0}), 17),
    ("walker2d_goal_velocity", "promp"): Row(Definition(main=at_speed, **{**WALKER, "bonus": 15.0}), 17, WALKS),
    ("walker2d_random_parameters", "paper"): Row(
        Definition(main=forward, **{**WALKER, "skip": 4}, model_of=random_walker), 17
    ),
    ("walker2d_random_parameters", "oyster"): Row(
        Definition(main=forward, **{**WALKER, "skip": 4}, model_of=random_walker), 17, WALKS
    ),
    ("ant_forward_backward", "paper"): Row(Definition(main=signed, **ANT, stands=ant_stands(0.0)), 27),
    ("ant_forward_backward", "promp"): Row(Definition(main=signed, **PROMP_ANT), 111 - WORLD, STANDARD),
    ("ant_forward_backward", "finn"): Row(Definition(main=signed, **RLLAB_ANT), 125 - WORLD, RLLAB),
    ("ant_forward_backward", "gymnasium"): Row(
        Definition(main=signed, **{**OYSTER_ANT, "parts": ("contacts",)}, bonus_when_fallen=False), 105, STANDARD
    ),
    ("ant_direction", "paper"): Row(Definition(main=towards, **ANT, stands=ant_stands(0.0)), 27),
    ("ant_direction", "promp"): Row(Definition(main=towards, **PROMP_ANT), 111 - WORLD, STANDARD),
    ("ant_direction", "oyster"): Row(Definition(main=towards, **OYSTER_ANT), 27, STANDARD),
    ("ant_goal_velocity", "paper"): Row(Definition(main=at_speed, **ANT), 27),
    ("ant_goal_velocity", "finn"): Row(Definition(main=at_speed, **{**RLLAB_ANT, "bonus": 1.05}), 125 - WORLD, RLLAB),
    ("ant_goal_position", "paper"): Row(Definition(main=near_place, **ANT, parts=("plane",)), 29),
    ("ant_goal_position", "promp"): Row(Definition(main=near_place, **GOAL_ANT), 113 - WORLD, STANDARD),
    ("ant_goal_position", "oyster"): Row(Definition(main=near_place, **GOAL_ANT), 113 - WORLD, STANDARD),
    ("ant_goal_position", "finn"): Row(Definition(main=near_place, **{**RLLAB_ANT, "bonus": 4.05}), 125 - WORLD, RLLAB),
}
EVERY = pytest.mark.parametrize("name, variant", TABLE)
EPISODES, STEPS = 6, 40


def family_of(name, variant, horizon=STEPS):
    return make_family(name, horizon, {"variant": variant})


def offsets_for(model, rng):
    """Starts (nq + nv, B) off the model's: all a little, those of bodies that may fall also so that they do."""
    offsets = rng.normal(0.0, 0.03, (model.nq + model.nv, EPISODES))
    position, velocity = np.split(offsets, [model.nq])  # views
    if model.nu == 6 and model.nq == 9:  # half cheetah and walker: height and pitch are second and third
        velocity[1, 1] = 12.0  # thrown upwards, faster than what is observed
        velocity[2, 2] = 6.0  # tumbles
        position[1, 3], velocity[1, 3] = -0.3, -4.0  # drops
    if model.nu == 8:  # ant: height is third
        velocity[2, 1] = 5.0
        position[2, 2], velocity[2, 2] = -0.75, -50.0  # half in the ground: between 0 and 0.2 after 0.05 s
        position[2, 3], velocity[2, 3] = -0.6, -10.0  # likewise after 0.02 s
    return offsets


def test_the_table_has_every_family_in_every_variant():
    assert set(TABLE) == {(name, variant) for name in LOCOMOTION for variant in variants_of(name)}


@EVERY
def test_every_step_is_the_published_one(name, variant):
    row, family = TABLE[name, variant], family_of(name, variant)
    rng = np.random.default_rng(11)
    tasks = task_table(family, family.task_count or EPISODES)[:, np.arange(EPISODES) % (family.task_count or EPISODES)]
    actions = rng.uniform(-1.3, 1.3, (STEPS, family.action_size, EPISODES))  # motors take +-1
    offsets = offsets_for(family.model, rng)
    rewards, over, observations = play(family, tasks, actions, offsets)
    lengths = steps_of(over)
    for b in range(EPISODES):
        script = iter(actions[:, :, b])
        expected = plain_bodies.episode(
            row.definition, tasks[:, b], lambda _, script=script: next(script), STEPS, offsets[:, b]
        )
        assert lengths[b] == expected.steps and over[-1, b] == expected.fell
        np.testing.assert_allclose(rewards[: lengths[b], b], expected.rewards, rtol=1e-12, atol=1e-12)
        seen = observations[: lengths[b] + 1, :, b]
        np.testing.assert_allclose(seen, expected.observations, rtol=1e-12, atol=1e-12)
    falls = 0 if row.definition.stands([0.0, np.nan, np.nan]) else 2  # nothing that may end stands there
    assert falls <= np.count_nonzero(lengths < STEPS) <= falls * EPISODES


@EVERY
def test_observations_have_the_published_size(name, variant):
    assert family_of(name, variant).observation_size == TABLE[name, variant].size


@EVERY
def test_starts_are_off_by_what_the_variant_says(name, variant):
    family, start = family_of(name, variant), TABLE[name, variant].start
    model = family.model
    if start == EXACT:
        assert family.noise_size == 0
        return
    assert family.noise_size == model.nq + model.nv
    noise = family.draw_noise(np.random.default_rng(3), 4000)
    for part, uniform, std in (
        (noise[: model.nq], *start[:2]),
        (noise[model.nq :], *start[2:]),
    ):
        assert near(part.T, 0.0)
        assert near(part.T**2, uniform**2 / 3 + std**2)
        if std == 0:
            assert 0.99 * uniform < np.abs(part).max() <= uniform
        assert np.abs(np.corrcoef(part) - np.eye(len(part))).max() < 5 / np.sqrt(4000)


@pytest.mark.parametrize("name", LOCOMOTION)
def test_episodes_start_at_the_models_own_state_by_default(name):
    family = make_family(name)
    assert variants_of(name)[0] == "paper" == family.variant and family.noise_size == 0 and family.horizon == 200
    tasks = task_table(family, 2)
    _, _, observations = play(family, tasks, np.zeros((1, family.action_size, 2)))
    model = family.model
    start = 0 if "plane" in family.observe else family.body.plane
    assert np.array_equal(observations[0, :, 0], np.concatenate([model.qpos0[start:], np.zeros(model.nv)]))
    assert np.array_equal(observations[0, :, 0], observations[0, :, 1])


SPEEDS = {
    ("half_cheetah_goal_velocity", "paper"): (0.0, 3.0),
    ("half_cheetah_goal_velocity", "promp"): (0.0, 3.0),
    ("half_cheetah_goal_velocity", "oyster"): (0.0, 3.0),
    ("half_cheetah_goal_velocity", "garage"): (0.0, 2.0),
    ("half_cheetah_goal_velocity", "finn"): (0.0, 2.0),
    ("swimmer_goal_velocity", "paper"): (0.1, 0.2),
    ("swimmer_goal_velocity", "promp"): (0.1, 0.2),
    ("swimmer_goal_velocity", "finn"): (0.1, 0.2),
    ("walker2d_goal_velocity", "paper"): (0.0, 10.0),
    ("walker2d_goal_velocity", "promp"): (0.0, 10.0),
    ("ant_goal_velocity", "paper"): (0.0, 3.0),
    ("ant_goal_velocity", "finn"): (0.0, 3.0),
}
TASKS = 3000


def test_the_speeds_are_those_of_every_goal_velocity_family():
    assert set(SPEEDS) == {key for key in TABLE if key[0].endswith("goal_velocity")}


@pytest.mark.parametrize("name, variant", SPEEDS)
def test_goal_velocities_are_uniform_in_their_range(name, variant):
    family, (low, high) = family_of(name, variant), SPEEDS[name, variant]
    assert family.task_count is None
    assert_uniform(task_table(family, TASKS)[0], low, high)
    assert np.array_equal(task_table(family, 5), task_table(family, 9)[:, :5])


def assert_uniform(samples, low, high):
    """Range, mean and variance, and as many in each tenth."""
    width = high - low
    assert low <= samples.min() < low + 0.005 * width and high - 0.005 * width < samples.max() <= high
    assert near(samples[:, None], (low + high) / 2) and near((samples[:, None] - (low + high) / 2) ** 2, width**2 / 12)
    counts, _ = np.histogram(samples, 10, (low, high))
    assert np.abs(counts - len(samples) / 10).max() < 4 * np.sqrt(0.09 * len(samples))


@pytest.mark.parametrize("variant", variants_of("ant_goal_position"))
def test_goals_are_uniform_in_area(variant):
    x, y = task_table(family_of("ant_goal_position", variant), TASKS)
    if variant == "finn":
        assert_uniform(x, -3.0, 3.0)
        assert_uniform(y, -3.0, 3.0)
        assert abs(np.corrcoef(x, y)[0, 1]) < 4 / np.sqrt(TASKS)
        return
    # In a disc the squared radius is uniform, and so is the angle.
    assert_uniform(x**2 + y**2, 0.0, 9.0)
    assert_uniform(np.arctan2(y, x), -np.pi, np.pi)
    assert abs(np.corrcoef(x**2 + y**2, np.arctan2(y, x))[0, 1]) < 4 / np.sqrt(TASKS)


def test_an_ant_that_stays_where_it_starts_loses_the_mean_distance_to_a_goal():
    x, y = task_table(make_family("ant_goal_position"), TASKS)
    assert near((np.abs(x) + np.abs(y))[:, None], 8 / np.pi)  # 2.546 a step


@pytest.mark.parametrize("variant", variants_of("ant_direction"))
def test_directions_are_unit_vectors_of_any_angle(variant):
    x, y = task_table(family_of("ant_direction", variant), TASKS)
    np.testing.assert_allclose(np.hypot(x, y), 1.0, rtol=1e-14)
    assert_uniform(np.arctan2(y, x), -np.pi, np.pi)


@pytest.mark.parametrize("name", [name for name in LOCOMOTION if name.endswith("forward_backward")])
def test_forward_backward_has_two_tasks(name):
    family = make_family(name)
    assert family.task_count == 2 and task_table(family, 2).tolist() == [[1.0, -1.0]]


@EVERY
def test_options_written_out_in_full_give_the_same_family(name, variant):
    family = family_of(name, variant)
    assert family.variant == variant and make_family(name, STEPS, options_of(family)) == family


def test_an_option_overrides_its_variant():
    finn = make_family("ant_goal_position", None, {"variant": "finn", "bonus": 0.0})
    assert (finn.bonus, finn.control_cost, finn.goal_shape) == (0.0, 0.005, "square")


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("ant_direction", {"variant": "finn"}, "task.options.variant = 'finn'.*Allowed: oyster, paper, promp"),
        (
            "half_cheetah_goal_velocity",
            {"velocity_low": 4.0},
            r"task.options.velocity_low = 4.0: at most task.options.velocity_high = 3.0 is wanted",
        ),
        (
            "walker2d_goal_velocity",
            {"height_low": 2.5},
            "task.options.height_low = 2.5: at most task.options.height_high = 2.0 is wanted",
        ),
        ("half_cheetah_goal_velocity", {"height_low": 0.1}, "task.options.height_low = 0.1: .* has no such end"),
        ("swimmer_goal_velocity", {"height_high": 1}, "task.options.height_high = 1.0: .* has no such end"),
        ("ant_forward_backward", {"pitch_limit": 1.0}, "task.options.pitch_limit = 1.0: .* has no such end"),
        ("ant_direction", {"observe": ["feet"]}, "task.options.observe = 'feet'.*contacts, plane, rotation, torso"),
        ("ant_direction", {"frame_skip": 0}, "task.options.frame_skip = 0: a value >= 1"),
    ],
)
def test_a_wrong_option_says_what_is_right(name, options, message):
    with pytest.raises(ConfigError, match=message):
        make_family(name, None, options)


def test_what_is_asked_for_twice_is_observed_once():
    once, twice = (
        make_family("ant_direction", 3, {"observe": parts})
        for parts in (["plane", "torso"], ["torso", "plane", "torso", "plane"])
    )
    task, actions = task_table(once, 2), np.full((3, 8, 2), 0.3)
    assert np.array_equal(play(once, task, actions)[2], play(twice, task, actions)[2])


@pytest.mark.parametrize("name", ["half_cheetah_forward_backward", "ant_forward_backward"])
def test_one_body_alone_moves_as_among_others(name):
    family = make_family(name, 20)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (20, family.action_size, 3))
    together, alone = (play(family, np.ones((1, b)), actions[:, :, :b]) for b in (3, 1))
    assert np.array_equal(alone[0][:, 0], together[0][:, 0]) and np.abs(alone[0]).max() > 0.1
    assert np.array_equal(alone[2][:, :, 0], together[2][:, :, 0])
