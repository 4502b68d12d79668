"""CMA-ES of latents: against the package itself, a quadratic, and each search alone."""

import subprocess
import sys

import numpy as np
import pytest
from cmaes import CMA
from driving import run

from esmaml_mpi.adaptation import cma_es
from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.cma_es import Searches, population
from esmaml_mpi.adaptation.latent_search import LatentSearch
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.mlp import Policy

POLICY = Policy(2, 2, (3,))
ROWS = [6, 7, 8]  # of its first layer's biases
D, U, T = POLICY.size, 2, 2
RNG = np.random.default_rng(5)
THETA = RNG.normal(size=(D, U, T))


def subject(**settings):
    return LatentSearch(**{"latent": 2, "queries": 15, "scheme": "cma_es", **settings})


class Normals:
    """Standard normals (n, U, T, count) of a seed, kept in ``drawn``."""

    def __init__(self, shape=(U, T)):
        self.shape, self.generator, self.drawn = shape, np.random.default_rng(8), []

    def __call__(self, count, size=D):
        self.drawn.append(self.generator.standard_normal((size, *self.shape, count)))
        return self.drawn[-1].copy()


def own_of(operator):
    return RNG.normal(size=(operator.own_size(POLICY), U, T))


def bowl(points):
    """A quadratic of the biases, badly conditioned."""
    x = points[ROWS] - 2.0
    return -(x[0] ** 2 + 10.0 * (x[1] - x[0]) ** 2 + x[2] ** 2)


def test_points_are_those_of_the_package_with_the_same_normals():
    seeded = CMA(np.zeros(2), 0.7, seed=11, population_size=6)
    normals, ours = np.random.RandomState(11), Searches(2, 0.7, (1, 1))
    for generation in range(5):
        drawn = np.stack([normals.randn(2) for _ in range(6)], axis=1)
        points = ours.ask(drawn[:, None, None])
        expected = [seeded.ask() for _ in range(6)]
        assert np.array_equal(points[:, 0, 0].T, expected)
        if generation == 0:
            np.testing.assert_allclose(points[:, 0, 0], 0.7 * drawn, rtol=1e-12)
        losses = [float(np.sum((x - 3.0) ** 2)) for x in expected]
        seeded.tell(list(zip(expected, losses, strict=True)))
        ours.tell(points, -np.array(losses)[None, None])


@pytest.mark.parametrize("size, points", [(1, 4), (2, 6), (4, 8), (10, 10)])
def test_generations_have_the_usual_size(size, points):
    assert population(size) == points == CMA(np.zeros(size), 1.0).population_size


def test_whole_generations_are_tried_and_then_what_is_left():
    operator, normals, path = subject(), Normals(), []
    adapted, batches, rewards = run(
        operator.adapt(THETA, normals, path.append, own=own_of(operator), policy=POLICY), bowl
    )
    assert [batch.shape[-1] for batch in batches] == [7, 6, 3] and operator.rollouts == 16
    assert operator.yields == 3 and operator.queries_at_once == 7 and operator.directions_at_once == 6
    assert operator.fewest_at_once == 3
    assert np.array_equal(batches[0][..., 0], THETA)
    tried, answers = np.concatenate(batches, axis=-1), np.concatenate(rewards, axis=-1)
    for u in range(U):
        for t in range(T):
            assert np.array_equal(adapted[:, u, t], tried[:, u, t, np.argmax(answers[u, t])])
    assert len(path) == 3 and np.array_equal(path[-1], adapted)


@pytest.mark.parametrize("queries", [3, 6])
def test_fewer_than_a_second_generation(queries):
    operator = subject(queries=queries)
    _, batches, _ = run(operator.adapt(THETA, Normals(), own=own_of(operator), policy=POLICY), bowl)
    assert [batch.shape[-1] for batch in batches] == [queries + 1]


def test_on_a_quadratic_it_comes_much_nearer_than_independent_latents():
    """Of the latent itself: M is the identity, and the best of the third number is 2, where it stands."""
    own = np.zeros((2, 3, U, T))
    own[0, 0] = own[1, 1] = 1.0
    theta = np.zeros((D, U, T))
    theta[8] = 2.0
    gaps = {}
    for scheme in ("cma_es", "gaussian"):
        operator = subject(queries=240, scheme=scheme)
        adapted, _, _ = run(operator.adapt(theta, Normals(), own=own.reshape(6, U, T), policy=POLICY), bowl)
        gaps[scheme] = -bowl(adapted[..., None])[..., 0]
    assert np.all(gaps["cma_es"] < 1e-4) and np.all(gaps["cma_es"] < gaps["gaussian"] / 100)


def test_each_unit_and_task_searches_alone():
    operator, normals = subject(), Normals()
    own = own_of(operator)
    together, _, _ = run(operator.adapt(THETA, normals, own=own, policy=POLICY), bowl)
    for u in range(U):
        for t in range(T):
            drawn = iter(normals.drawn)
            alone, _, _ = run(
                operator.adapt(
                    THETA[:, u : u + 1, t : t + 1],
                    lambda count, size, u=u, t=t, drawn=drawn: next(drawn)[:, u : u + 1, t : t + 1].copy(),
                    own=own[:, u : u + 1, t : t + 1],
                    policy=POLICY,
                ),
                bowl,
            )
            assert np.array_equal(alone[:, 0, 0], together[:, u, t])


def test_a_session_tries_the_same_from_any_of_its_rewards_on():
    operator = subject()
    theta, asked = np.concatenate([THETA[:, 0, 0], own_of(operator)[:, 0, 0]]), []
    session = Adaptation(operator, theta, seed=2, policy=POLICY)
    while not session.done:
        asked.append(session.ask())
        session.tell(float(bowl(asked[-1][:, None, None, None])[0, 0, 0]))
    assert len(asked) == 16
    for told in range(16):
        again = Adaptation(operator, theta, seed=2, policy=POLICY, rewards=session.rewards[:told])
        assert np.array_equal(again.ask(), asked[told])


def test_failed_trials_are_never_chosen_and_do_not_end_the_search():
    operator = subject()
    worst = lambda points: np.where(points[6] > 0.0, np.nan, bowl(points))  # noqa: E731
    theta = THETA.copy()
    theta[6] = -1.0
    adapted, batches, rewards = run(operator.adapt(theta, Normals(), own=own_of(operator), policy=POLICY), worst)
    assert np.all(adapted[6] <= 0.0) and np.isnan(np.concatenate(rewards, axis=-1)).any()
    assert all(np.isfinite(batch).all() for batch in batches)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    settings = {"adaptation": {"operator": "latent_search", "scheme": "cma_es"}}
    load(settings).resolved()
    monkeypatch.setattr(cma_es, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'scheme = \'cma_es\': needs cmaes. .*pip install "esmaml-mpi\[cma\]"'):
        load(settings).resolved()
    load({"adaptation": {"operator": "latent_search"}}).resolved()


def test_it_is_not_imported_for_other_schemes():
    code = (
        "import sys, esmaml_mpi\n"
        "esmaml_mpi.train({'adaptation': {'operator': 'latent_search', 'queries': 2, 'scheme': sys.argv[1]}, "
        "'meta': {'iterations': 1, 'perturbations': 2}, 'test': {'repeats': 1}})\n"
        "print('cmaes' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", code, scheme], capture_output=True, text=True, check=True).stdout
        for scheme in ("one_plus_one", "cma_es")
    ]
    assert [each.split()[-1] for each in said] == ["False", "True"]
