"""Four corners as one would write it in JAX, compiled for a batch of policies: what rollouts.py compares with.

Both forms take parameters (d, B), goals (2, B), mean and std (2,), and give returns (B,) and the sums (2, B) over steps
of observations and of their squares, in the precision of what they are given.
"""

import itertools

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)  # single precision stays as it is given
HORIZON = 100


def programs(widths):
    """Two compiled functions: vmap of an episode, and episodes whose arrays have the batch as their last axis."""
    return jax.jit(mapped(widths)), jax.jit(batch_last(widths))


def layers(parameters, widths):
    """Weights (inputs, outputs, ...) and biases (outputs, ...) of flat parameters (d, ...)."""
    start = 0
    for inputs, outputs in itertools.pairwise(widths):
        stop = start + inputs * outputs
        weights = parameters[start:stop].reshape(inputs, outputs, *parameters.shape[1:])
        start = stop + outputs
        yield weights, parameters[stop:start]


def episode(parameters, goals, mean, std, widths, product):
    """Of one policy or, with arrays whose last axis is the batch, of many."""
    network = list(layers(parameters, widths))

    def step(carry, _):
        position, total, sums, squares = carry
        x = (position - mean) / std
        for i, (weights, bias) in enumerate(network):
            x = product(weights, jnp.maximum(x, 0) if i else x) + bias
        moved = jnp.clip(position + jnp.clip(jnp.tanh(x), -0.1, 0.1), -5, 5)
        offset = moved - goals
        reward = -4 + jnp.maximum(4 - jnp.sum(offset * offset, axis=0), 0)
        return (moved, total + reward, sums + position, squares + position * position), None

    start = jnp.zeros_like(goals)
    carry, _ = jax.lax.scan(step, (start, jnp.zeros_like(goals[0]), start, start), length=HORIZON)
    return carry[1:]


def mapped(widths):
    """vmap."""

    def one(parameters, goal, mean, std):
        return episode(parameters, goal, mean, std, widths, lambda weights, x: x @ weights)

    every = jax.vmap(one, in_axes=(1, 1, None, None), out_axes=-1)
    return every


def batch_last(widths):
    """Products of weights and inputs, summed over the leading axis."""

    def all_(parameters, goals, mean, std):
        def product(weights, x):
            return jnp.sum(weights * x[:, None], axis=0)

        return episode(parameters, goals, mean[:, None], std[:, None], widths, product)

    return all_
