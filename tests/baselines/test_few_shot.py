"""Which tasks and samples meta-training sees, and that units do not depend on each other."""

import numpy as np
import pytest

from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.few_shot import FIRST_TEST_TASK, FewShot
from esmaml_mpi.baselines.regression import MAML, EvoMAML
from esmaml_mpi.meta.optimizers import Adam
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.reproducibility.randomness import Phase, Round, Streams
from esmaml_mpi.tasks import make_family

NETWORK = Policy(1, 1, (6,), "tanh", "identity")
LEARNERS = [
    MAML(NETWORK, 0.05),
    MAML(NETWORK, 0.05, first_order=True),
    EvoMAML(NETWORK, 0.05, evolution=Evolution(3, 0.01)),
]
THETA = NETWORK.initial(np.random.default_rng(0))


def few_shot(learner=LEARNERS[0], seed=5, batch_size=4):
    return FewShot(learner, make_family("sinusoid"), Streams(seed), 5, 7, batch_size)


def test_samples_are_of_the_tasks_curve_and_support_and_query_are_not_the_same():
    at = Round(Phase.TRAIN, 3)
    support, query = few_shot().samples(at, 13, 1, 150)
    assert support.inputs.shape == support.targets.shape == (1, 5) and query.inputs.shape == (1, 150)
    assert not set(support.inputs[0]) & set(query.inputs[0]) and np.abs(query.inputs).max() > 4.5
    basis = np.stack([np.sin(query.inputs[0]), np.cos(query.inputs[0])], axis=1)  # A sin(x - p) = a sin x + b cos x
    (a, b), residual, *_ = np.linalg.lstsq(basis, query.targets[0], rcond=None)
    assert residual < 1e-20 and 0.1 <= np.hypot(a, b) <= 5
    np.testing.assert_allclose(support.targets, a * np.sin(support.inputs) + b * np.cos(support.inputs), atol=1e-12)


def test_every_iteration_and_index_has_a_task_and_samples_of_its_own():
    seen = few_shot()
    inputs = {seen.samples(Round(Phase.TRAIN, i), i * 4 + k, k, 7)[0].inputs[0, 0] for i in range(3) for k in range(4)}
    assert len(inputs) == 12
    values = {float(seen.contribution(THETA, i, k)[1]) for i in range(3) for k in range(4)}
    assert len(values) == 12


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_unit_is_the_same_in_any_company_and_the_gradient_their_mean(learner):
    system = few_shot(learner)
    forwards = [system.contribution(THETA, 2, k) for k in range(4)]
    backwards = [few_shot(learner).contribution(THETA, 2, k) for k in reversed(range(4))][::-1]
    for (gradient, value), (again, same) in zip(forwards, backwards, strict=True):
        assert np.array_equal(gradient, again) and value == same
    gradient, value = system.gradient(THETA, 2)
    np.testing.assert_allclose(gradient, np.mean([part for part, _ in forwards], axis=0), rtol=1e-12, atol=1e-14)
    assert value == pytest.approx(np.mean([part for _, part in forwards]))


@pytest.mark.parametrize("learner", LEARNERS)
def test_tests_are_repeatable(learner):
    system = few_shot(learner)
    first = system.test(THETA, 6, 3, 20)
    assert first.shape == (6, 4) and np.array_equal(first, system.test(THETA, 6, 3, 20))
    assert np.array_equal(first[:4], system.test(THETA, 4, 3, 20))
    assert not np.array_equal(first, few_shot(learner, seed=6).test(THETA, 6, 3, 20))


def test_tests_are_on_tasks_that_training_does_not_see():
    def amplitude(at, task):
        return np.abs(few_shot().samples(at, task, 0, 2000)[1].targets).max()  # up to how near an input is to the top

    assert abs(amplitude(Round(Phase.TRAIN, 0), 0) - amplitude(Round(Phase.TEST, 0), 0)) < 1e-3
    assert abs(amplitude(Round(Phase.TRAIN, 0), 0) - amplitude(Round(Phase.TEST, 0), FIRST_TEST_TASK)) > 1e-2
    assert FIRST_TEST_TASK > 10_000_000


@pytest.mark.parametrize("learner", LEARNERS)
def test_meta_training_improves_what_adaptation_reaches(learner):
    system, optimizer, theta = few_shot(learner, batch_size=8), Adam(0.02), THETA
    before = system.test(theta, 30, 1, 30).mean(axis=0)
    for iteration in range(60):
        theta = optimizer.step(theta, system.gradient(theta, iteration)[0])
    after = system.test(theta, 30, 1, 30).mean(axis=0)
    assert after[1] > before[1] + 0.3
    assert after[1] > after[0]
