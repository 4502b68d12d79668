"""What stored policies answer at given inputs, and how those that remember adapt."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import unscaled

from esmaml_mpi.policies import POLICIES

pytestmark = pytest.mark.usefixtures("scripts")


@pytest.mark.parametrize("name", ["mlp", "gru"])
def test_each_input_has_an_answer_of_its_own(name):
    from behaviour import Behaviour

    policy, generator = POLICIES.find(name)(1, 1, (3,)), np.random.default_rng(0)
    theta = generator.normal(size=(policy.size, 4))
    run = SimpleNamespace(
        parameters=lambda when: theta[:, :, None], experiment=SimpleNamespace(policy=policy), observer=unscaled(1)
    )
    run.units, run.tasks, run.adaptations = range(4), [0, 1], 2
    found, inputs = Behaviour.answers(run, "after", np.array([-1.0, 0.5, 2.0])), (-1.0, 0.5, 2.0)
    for i, x in enumerate(inputs):
        expected = policy.bind(theta, np.zeros(1), np.ones(1)).act(np.full((1, 4), x))[0].reshape(2, 2)
        assert np.array_equal(found[:, :, i], expected)
    assert (found[..., 0] != found[..., 2]).all()
