"""Meta-gradients against finite differences of the exact objective, where expectations are exact sums."""

import numpy as np
import pytest
from linear_gaussian import POLICY, THETA, differences, expectation, nodes, slope, trajectories
from whole_task import WholeTask

from esmaml_mpi.baselines.policy_gradient import PolicyGradient
from esmaml_mpi.errors import ConfigError

ALPHA = 0.1


def data(learner, steps, inner, baseline=0.0):
    """Exact support trajectories of each inner step, and query trajectories of what they lead to."""
    grid, supports, theta = nodes(steps, 12), (), THETA
    for _ in range(inner):
        supports += (trajectories(theta, *grid, baseline),)
        theta = learner.adapted(THETA, supports)
    return supports, trajectories(theta, *grid)


def meta_objective(theta, steps, inner):
    for _ in range(inner):
        theta = theta + ALPHA * slope(theta, steps)
    return expectation(theta, steps)


def error(estimator, steps, inner=1, baseline=0.0):
    """|gradient - exact| / |exact|."""
    learner = WholeTask(POLICY, estimator, ALPHA)
    found = learner.gradient(THETA, *data(learner, steps, inner, baseline), 0.0)
    exact = differences(lambda theta: meta_objective(theta, steps, inner), THETA)
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize("estimator", ["dice", "lvc", "biased"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_inner_step_is_the_exact_one(estimator, steps):
    learner = WholeTask(POLICY, estimator, ALPHA)
    supports, _ = data(learner, steps, 1)
    np.testing.assert_allclose(learner.adapted(THETA, supports), THETA + ALPHA * slope(THETA, steps), rtol=1e-9)


@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize("baseline", [0.0, 5.0])
@pytest.mark.parametrize("steps", [1, 2])
def test_dice_has_the_exact_meta_gradient(steps, baseline, inner):
    assert error("dice", steps, inner, baseline) < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("inner", [1, 2])
def test_lvc_has_it_for_episodes_of_one_step_and_is_nearer_than_the_biased_one_for_longer(inner):
    assert error("lvc", 1, inner) < 1e-7
    assert 0.01 < error("lvc", 2, inner) < error("biased", 2, inner) / 2


@pytest.mark.slow
@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize("steps", [1, 2])
def test_the_original_estimator_is_off(steps, inner):
    assert error("biased", steps, inner) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["dice", "lvc", "biased"])
def test_first_order_is_the_gradient_after_adaptation(estimator):
    learner = WholeTask(POLICY, estimator, ALPHA, first_order=True)
    supports, query = data(learner, 2, 2)
    exact = slope(learner.adapted(THETA, supports), 2)
    np.testing.assert_allclose(learner.gradient(THETA, supports, query, 0.0), exact, rtol=1e-8)


def explicit_adaptation(theta, support):
    """U(theta, tau) of one episode: alpha times the mean over steps of A_t d log N(a; w s + b, exp(2 l)) by hand."""
    w, b, log_std = theta
    states, actions, advantages = support.observations[0, 0], support.actions[0, 0], support.advantages[0]
    scaled = (actions - w * states - b) / np.exp(log_std)
    scores = np.stack([scaled * states / np.exp(log_std), scaled / np.exp(log_std), scaled**2 - 1])
    return theta + ALPHA / 4 * np.mean(advantages * scores, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2])
def test_emaml_has_the_gradient_of_the_expectation_over_adaptations_to_single_episodes(steps):
    """Each support episode by itself is an adaptation; their expectation is differentiated, sampling included. The log-
    probability of an episode is the sum over its steps, of which the surrogate has the mean.
    """
    grid, single = nodes(steps, 14 if steps == 2 else 30), np.ones(1)
    every = [normals[None] for normals in grid[0]]

    def exact_objective(theta):
        adapted = (explicit_adaptation(theta, trajectories(theta, normals, single)) for normals in every)
        return sum(p * expectation(new, steps) for p, new in zip(grid[1], adapted, strict=True))

    exact = differences(exact_objective, THETA)
    found = {}
    for exploration in (0.0, float(steps)):
        learner = WholeTask(POLICY, "biased", ALPHA / 4, exploration=exploration)
        found[exploration] = np.zeros(3)
        for normals, probability in zip(every, grid[1], strict=True):
            supports = (trajectories(THETA, normals, single),)
            adapted = learner.adapted(THETA, supports)
            np.testing.assert_allclose(adapted, explicit_adaptation(THETA, supports[0]), rtol=1e-9, atol=1e-12)
            query = trajectories(adapted, *nodes(steps, 12))
            found[exploration] += probability * learner.gradient(THETA, supports, query, expectation(adapted, steps))
    errors = {key: np.linalg.norm(value - exact) / np.linalg.norm(exact) for key, value in found.items()}
    assert errors[steps] < 1e-5
    assert errors[0.0] > 0.05


@pytest.mark.slow
def test_the_exploration_of_two_inner_steps_counts_both():
    """Its gradient is that of the score times both steps' mean log-probabilities, each at its own theta."""
    learners = [WholeTask(POLICY, "biased", ALPHA, exploration=exploration) for exploration in (0.0, 1.0, 2.0)]
    normals = np.random.default_rng(0).standard_normal((3, 4, 2))  # few episodes: over all of them it would be 0
    first = trajectories(THETA, normals[0], np.full(4, 0.25))
    adapted = learners[0].adapted(THETA, (first,))
    supports = first, trajectories(adapted, normals[1], np.full(4, 0.25))
    query = trajectories(learners[0].adapted(THETA, supports), normals[2], np.full(4, 0.25))
    plain, once, twice = (learner.gradient(THETA, supports, query, 0.7) for learner in learners)
    np.testing.assert_allclose(twice - plain, 2 * (once - plain), rtol=1e-9)

    def log_likelihood(theta):
        total = 0.0
        for support in supports:
            w, b, log_std = theta
            states, actions = support.observations[:, 0], support.actions[:, 0]
            scaled = (actions - w * states - b) / np.exp(log_std)
            total += np.sum(support.weights * (-(scaled**2) / 2 - log_std)) / np.sum(support.weights)
            theta = learners[0].adapted(theta, (support,))
        return 0.7 * total

    np.testing.assert_allclose(once - plain, differences(log_likelihood, THETA), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["dice", "lvc", "biased"])
@pytest.mark.parametrize("first_order", [False, True])
def test_the_gradient_is_the_slope_of_the_surrogate(estimator, first_order):
    """A line search along the gradient looks at the function that has it; but not where a part was left out."""
    learner = WholeTask(POLICY, estimator, ALPHA, first_order)
    supports, query = data(learner, 2, 2)
    adapted = learner.adapted(THETA, supports)
    found = learner.gradient(THETA, supports, query, 0.0)
    measured = differences(lambda theta: learner.surrogate(theta, supports, query, 0.0, adapted)[0], THETA)
    assert np.allclose(found, measured, rtol=1e-6) is not first_order


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["dice", "lvc", "biased"])
def test_fisher_products_are_those_of_the_hessian_of_the_distance(estimator):
    learner = WholeTask(POLICY, estimator, ALPHA)
    supports, query = data(learner, 2, 2)
    adapted = learner.adapted(THETA, supports)

    def distance(theta):
        return learner.surrogate(theta, supports, query, 0.0, adapted)[1]

    assert abs(distance(THETA)) < 1e-14
    products = np.stack([learner.fisher_product(THETA, supports, query, vector) for vector in np.eye(3)])
    hessian = np.stack(
        [differences(lambda theta, i=i: differences(distance, theta, 1e-4)[i], THETA, 1e-4) for i in range(3)]
    )
    np.testing.assert_allclose(products, hessian, rtol=1e-5, atol=1e-6)
    assert np.allclose(products, products.T, rtol=1e-12) and np.linalg.eigvalsh(products).min() > 0


@pytest.mark.slow
def test_steps_after_an_end_are_as_if_they_were_not_there():
    learner = WholeTask(POLICY, "dice", ALPHA)
    supports, query = data(learner, 3, 1)

    def ended(trajectories):
        arrays = [np.array(array) for array in trajectories]
        arrays[2][:, 2] = 0.0
        for array in (arrays[0], arrays[1], arrays[3], arrays[4]):
            array[..., 2] += 3.0
        return type(trajectories)(*arrays)

    def cut(trajectories):
        return type(trajectories)(*(array[..., :2] for array in trajectories))

    found = []
    for change in (ended, cut):
        both = (change(supports[0]),), change(query)
        found.append(
            [
                learner.gradient(THETA, *both, 0.0),
                learner.fisher_product(THETA, *both, np.ones(3)),
                np.array(learner.surrogate(THETA + 0.1, *both, 0.0, THETA)),
            ]
        )
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["dice", "biased"])
def test_trajectories_that_are_cut_add_up(estimator):
    exploration, grid = 0.5 * (estimator == "biased"), nodes(2, 4)
    whole, cut = (WholeTask(POLICY, estimator, ALPHA, exploration=exploration, shares=n) for n in (1, 4))
    supports = (trajectories(THETA, *grid),)
    adapted = whole.adapted(THETA, supports)
    both, vector = (supports, trajectories(adapted, *grid)), np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(cut.adapted(THETA, supports), adapted, rtol=1e-12)
    for what in (
        lambda learner: learner.gradient(THETA, *both, 0.7),
        lambda learner: learner.fisher_product(THETA, *both, vector),
        lambda learner: learner.surrogate(THETA + 0.1, *both, 0.7, adapted),
    ):
        np.testing.assert_allclose(what(cut), what(whole), rtol=1e-11)


def test_refusals():
    with pytest.raises(ConfigError, match="estimator = 'DICE': one of dice, lvc, biased is wanted"):
        PolicyGradient(POLICY, "DICE")
    with pytest.raises(ConfigError, match=r"E-MAML.*'biased' is wanted"):
        PolicyGradient(POLICY, "lvc", exploration=1.0)
