"""Kernels of every instruction set that this processor has against their NumPy specification: the same bits."""

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.rewards import normalize
from esmaml_mpi.native import door, elementary
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

COMPILED = [name for name in door.names() if name != door.NUMPY]
pytestmark = pytest.mark.skipif(not COMPILED, reason=f"no compiled kernels: {door.missing()}")
ODD = [np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-310, 1e308, -1e308, 0.0, -0.0]
SETS = st.sampled_from(COMPILED)
BATCHES = st.sampled_from([2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33])
ARCHITECTURES = st.builds(
    dict,
    hidden=st.sampled_from([(), (1,), (2,), (3,), (8,), (32,), (5, 1), (4, 7, 3), (33, 2)]),
    activation=st.sampled_from(["relu", "tanh"]),
    output=st.sampled_from(["tanh", "identity"]),
)


def same_bits(found, expected):
    """Equal in every bit; nan is nan, and 0 may be -0 only where both are."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    lost = np.isnan(expected) if expected.dtype.kind == "f" else np.zeros(expected.shape, dtype=bool)
    assert np.array_equal(np.isnan(found) if found.dtype.kind == "f" else lost, lost)
    assert np.array_equal(found[~lost].view(np.uint64), expected[~lost].view(np.uint64))


def numbers(rng, shape, oddities):
    """Normals, some of which are ``oddities``."""
    array = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3, shape)
    if oddities:
        places = rng.random(shape) < 0.05
        array[places] = rng.choice(ODD, np.count_nonzero(places))
    return array


def observer_of(rng, size, batch, own):
    shape = (size, batch) if own else (size,)
    return Observer(rng.normal(size=shape), rng.uniform(0.01, 3.0, shape))


@settings(max_examples=300, deadline=None)
@given(
    SETS,
    BATCHES,
    ARCHITECTURES,
    st.integers(1, 9),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_a_step_of_every_architecture(name, batch, architecture, observed, acted, own_observers, oddities, seed):
    rng, policy = np.random.default_rng(seed), Policy(observed, acted, **architecture)
    parameters = numbers(rng, (policy.size, batch), oddities)
    observer = observer_of(rng, observed, batch, own_observers)
    steps = [numbers(rng, (observed, batch), oddities) for _ in range(2)]
    found = {}
    with np.errstate(all="ignore"):
        for kind in (door.NUMPY, name):
            with door.using(kind):
                bound = policy.bind(parameters, observer.mean, observer.std)
                found[kind] = [bound.act(seen).copy() for seen in steps]
    for compiled, expected in zip(found[name], found[door.NUMPY], strict=True):
        same_bits(compiled, expected)


@settings(max_examples=60, deadline=None)
@given(SETS, ARCHITECTURES, st.lists(st.integers(1, 40), max_size=4), st.integers(0, 2**32))
def test_a_step_does_not_depend_on_the_batch(name, architecture, cuts, seed):
    """Not even in a batch of one, nor where columns are not neighbours in memory."""
    rng, policy, batch = np.random.default_rng(seed), Policy(3, 2, **architecture), 41
    parameters, seen = numbers(rng, (policy.size, batch), False), rng.normal(size=(3, batch))
    observer = observer_of(rng, 3, batch, True)

    def actions(columns):
        own = observer.of(columns)
        return policy.bind(parameters[:, columns], own.mean, own.std).act(seen[:, columns]).copy()

    with door.using(name):
        whole, edges = actions(slice(None)), sorted({0, *cuts, batch})
        for columns in itertools.starmap(slice, itertools.pairwise(edges)):
            same_bits(actions(columns), whole[:, columns])
        same_bits(actions(slice(1, None, 3)), whole[:, 1::3])
        same_bits(actions(slice(None, None, -2)), whole[:, ::-2])
        shuffled = rng.permutation(batch)
        same_bits(actions(shuffled), whole[:, shuffled])


FAMILIES = {
    "corners": ("four_corners", {}),
    "narrow": ("four_corners", {"position_limit": 0.3, "start_range": 0.2}),
    "near corners": ("four_corners", {"reward": "distance"}),
    "plane": ("four_corners", {"reward": "squared_distance", "position_limit": float("inf")}),
    "endless": ("navigation_2d", {"end": "never", "reward": "distance"}),
    "sparse": ("four_corners", {"variant": "promp", "penalty": 100.0}),
    "navigation": ("navigation_2d", {"variant": "finn", "end_distance": 0.3}),
    "circles": ("six_circles", {"goals": 4, "subset": 2}),
    "sinusoid": ("sinusoid", {}),
    "cartpole": ("cartpole_sensor_bias", {}),
    "hard cartpole": ("cartpole_sensor_bias", {"observe_velocities": False, "angle_limit": 1e9, "start_range": 0.0}),
}


@settings(max_examples=150, deadline=None)
@given(
    SETS,
    st.sampled_from(list(FAMILIES)),
    st.sampled_from([1, *range(2, 20), 41]),
    ARCHITECTURES,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_whole_rollouts(name, kind, batch, architecture, own_observers, oddities, record, seed):
    """All that comes of them: returns, lengths, sums, and paths and rewards where they are asked for."""
    rng, (family, options) = np.random.default_rng(seed), FAMILIES[kind]
    family = make_family(family, 25, options)
    policy = Policy(family.observation_size, family.action_size, **architecture)
    parameters = 0.3 * numbers(rng, (policy.size, batch), oddities)
    tasks = np.stack([family.task_parameters(i % 4, rng) for i in range(batch)], axis=1)
    noise = family.draw_noise(rng, batch) if family.noise_size else None
    observer = observer_of(rng, family.observation_size, batch, own_observers)
    found = {}
    for each in (door.NUMPY, name):
        with door.using(each):
            found[each] = simulate(policy, family, parameters, tasks, noise, observer, Workspace(), record)
    compiled, expected = found[name], found[door.NUMPY]
    same_bits(compiled.returns, expected.returns)
    same_bits(compiled.lengths, expected.lengths)
    same_bits(compiled.observation_sums + 0.0, expected.observation_sums + 0.0)  # a sum of nothing may be -0
    if record:
        same_bits(compiled.rewards, expected.rewards)
        for column, length in enumerate(expected.lengths):
            same_bits(compiled.observations[: length + 1, :, column], expected.observations[: length + 1, :, column])


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_poles_that_fall_at_different_times(name, hidden):
    """From hopeless policies to one that balances; one is not a number, one pushes the cart out."""
    rng, family, batch = np.random.default_rng(3), make_family("cartpole_sensor_bias", 300), 43
    policy = Policy(4, 1, hidden)
    parameters = 0.05 * rng.normal(size=(policy.size, batch))
    if not hidden:
        parameters[:, :3] = np.array([[0.1, 0.5, 4.0, 1.0, 0.0], [np.nan] * 5, [0.0, 0.0, 0.0, 0.0, 1.0]]).T
    tasks, starts = rng.uniform(-0.1, 0.1, (1, batch)), family.draw_noise(rng, batch)
    observer = Observer(np.array([0.01, 0.0, 0.02, 0.0]), np.array([1.1, 1.0, 0.9, 1.2]))

    def run(columns):
        arrays = parameters[:, columns], tasks[:, columns], starts[:, columns]
        return simulate(policy, family, *arrays, observer, Workspace())

    with door.using(door.NUMPY):
        expected = run(slice(None))
    assert len(set(expected.lengths.tolist())) > 5
    assert hidden or (expected.lengths[0] == 300 and np.isnan(expected.returns[1]) and expected.lengths[1] == 1)
    with door.using(name):
        for columns in [slice(None), *(slice(a, b) for a, b in itertools.pairwise([0, 1, 3, 8, 17, 33, 43]))]:
            found = run(columns)
            same_bits(found.returns, expected.returns[columns])
            same_bits(found.lengths, expected.lengths[columns])
            same_bits(found.observation_sums + 0.0, expected.observation_sums[:, columns] + 0.0)


def test_other_threads_run_while_a_kernel_does():
    policy, batch, ticks = Policy(2, 2, (32,)), 1000, 0
    bound = policy.bind(np.full((policy.size, batch), 0.1), np.zeros(2), np.ones(2))
    path, sums, begun = np.empty((1001, 2, batch)), np.empty((4, batch)), threading.Event()

    def work():
        begun.set()
        for _ in range(10):
            bound.point_episodes(0.1, 5.0, None, path, sums)

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks > 30  # of some 200; 10 if it had to wait for each of the kernels


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("function", door.FUNCTIONS)
def test_elementary_functions(name, function):
    rng = np.random.default_rng(5)
    wide = np.concatenate([np.array(ODD), numbers(rng, 3001, True), 2.0 ** rng.uniform(-1074, 1023, 500), [1e6, -3e7]])
    with np.errstate(all="ignore"), door.using(name):
        for x in (wide, wide[:1], wide[:7], wide[3:1000:3], wide[:3000].reshape(3, 10, 100)[:, 2:5]):
            same_bits(getattr(door, function)(x), getattr(elementary, function)(x))
            out = np.empty(x.shape)
            assert getattr(door, function)(x, out) is out
            same_bits(out, getattr(elementary, function)(x))


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("columns", [2, 3, 8, 13, 16, 100])
def test_sums_over_steps_and_distances(name, columns):
    rng = np.random.default_rng(columns)
    seen, goals = numbers(rng, (30, 2, columns), True), rng.normal(size=(2, columns))
    found = {}
    with np.errstate(all="ignore"):
        for each in (door.NUMPY, name):
            with door.using(each):
                sums, far, near = np.empty((4, columns)), np.empty((29, columns)), np.empty((29, columns))
                door.squared_distance(seen[1:], goals, far, np.empty((29, 2, columns)))
                door.squared_distance(seen[1:], goals[:, :1], near, np.empty((29, 2, columns)))
                door.moments(seen.copy(), sums)
                found[each] = sums, far, near
    for compiled, expected in zip(found[name], found[door.NUMPY], strict=True):
        same_bits(compiled, expected)


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize(("count", "step", "over"), [(1, 1, 0), (20, 1, 1), (9, 2, 0), (4, 2, 1), (33, 3, 5)])
def test_points_around_a_centre(name, count, step, over):
    rng = np.random.default_rng(count)
    centre, directions = numbers(rng, (5, 2, 3), True), numbers(rng, (5, 2, 3, count), True)
    found = {}
    with np.errstate(all="ignore"):
        for each in (door.NUMPY, name):
            out = np.zeros((5, 2, 3, count * step + over))
            with door.using(each):
                for first in range(step):
                    door.shifted(centre, directions, -0.1 * (first + 1), out, first, step)
            found[each] = out
    same_bits(found[name], found[door.NUMPY])
    with door.using(name), pytest.raises(ValueError, match="room for every direction"):
        door.shifted(centre, directions, 0.1, np.empty((5, 2, 3, count * step - step + 1)), 1, step)


COUNTS = (*range(1, 34), 127, 128, 129, 255, 256, 300, 1031)


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("count", COUNTS)
def test_weighted_sums(name, count):
    """NumPy's own order of addition along the last axis."""
    rng = np.random.default_rng(count)
    directions, weights = numbers(rng, (3, 2, 4, count), count % 2), numbers(rng, (2, 4, count), False)
    weights[0, 0] = 0.0  # with negative directions, sums of -0
    found = {}
    with np.errstate(all="ignore"):
        for each in (door.NUMPY, name):
            with door.using(each):
                found[each] = door.weighted_sum(directions.copy(), weights)
    same_bits(found[name], found[door.NUMPY])
    with door.using(name), pytest.raises(ValueError, match="last axes are those of the weights"):
        door.weighted_sum(directions, weights[..., :1].repeat(count + 1, axis=-1))


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("signs", [1, 2])
def test_standardized_rewards(name, count, signs):
    rng = np.random.default_rng(count)
    values = numbers(rng, (3, 5, count, signs), False)
    values[0, 0, 0], values[0, 1, 0], values[0, 2, 0], values[0, 3] = np.nan, np.inf, 1e300, -324.61
    found = {}
    with np.errstate(all="ignore"):
        for each in (door.NUMPY, name):
            with door.using(each):
                own, alone = values[..., 0, 0] + 0.5, np.array(values[2, 1, 0, 0])
                found[each] = [
                    *normalize(values, own, "standardize"),
                    *normalize(values, values[..., 0, 0], "standardize"),
                    *normalize(values[1, 2], alone, "standardize"),
                    *(x for x in normalize(values, None, "standardize") if x is not None),
                ]
    assert not found[name][2][0, :2].any()
    assert count == 1 or found[name][2][1:].all()
    for compiled, expected in zip(found[name], found[door.NUMPY], strict=True):
        if expected.dtype == bool:
            assert np.array_equal(compiled, expected) and compiled.dtype == bool
        else:
            same_bits(compiled, expected)


def test_an_unknown_instruction_set_is_refused_in_a_line():
    with pytest.raises(
        ConfigError, match=r"ESMAML_NATIVE = 'avx99': this machine has .*numpy; one of these is wanted\.$"
    ):
        with door.using("avx99"):
            pass


def test_what_runs_is_said_in_a_line():
    with door.using(COMPILED[0]):
        assert door.described() == f"compiled kernels for {COMPILED[0]}"
    with door.using("numpy"):
        assert door.described() == "NumPy, as ESMAML_NATIVE asks for it"
