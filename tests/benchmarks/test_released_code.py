"""benchmarks/released_code.py, without the code that was released: parameters and random numbers are put where it has
them.
"""

import numpy as np
import pytest
from released_code import draws, layout, load

from esmaml_mpi.policies.mlp import Policy


@pytest.mark.parametrize("hidden", [(), (3,)])
def test_the_layout_is_weights_by_output_then_biases(hidden):
    policy = Policy(2, 2, hidden)
    generator = np.random.default_rng(0)
    theta, observation = generator.standard_normal((policy.size, 2)), generator.standard_normal((2, 2))
    action = policy.bind(theta, np.zeros(2), np.ones(2)).act(observation)[:, 0]
    rest, x = theta[layout(policy.layers), 0], observation[:, 0]
    for i, (inputs, outputs) in enumerate(policy.layers):
        weights, biases, rest = np.split(rest, [inputs * outputs, (inputs + 1) * outputs])
        x = weights.reshape(outputs, inputs) @ (np.maximum(x, 0.0) if i else x) + biases
    np.testing.assert_allclose(action, np.tanh(x), rtol=1e-12)


def test_draws_are_those_of_the_global_generator_in_our_layout():
    order, expected = layout([(2, 3), (3, 2)]), np.random.RandomState(7).normal(size=(3, 17))
    numbers = draws(order, 7)
    next(numbers)
    first, rest = numbers.send(1), numbers.send(2)
    assert first.shape == (17, 1, 1, 1)
    np.testing.assert_array_equal(first[order, 0, 0].T, expected[:1])
    np.testing.assert_array_equal(rest[order, 0, 0].T, expected[1:])


def test_a_folder_without_it_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"no es_maml/config\.py"):
        load(str(tmp_path))
