"""The core's networks in JAX, to be differentiated: the architectures and flat layout of ``policies/mlp.py``."""

from esmaml_mpi.baselines.double import Array, jax, jnp
from esmaml_mpi.policies.mlp import Policy

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
OUTPUTS = {"tanh": jnp.tanh, "identity": lambda x: x}


def outputs(policy: Policy, parameters: Array, observations: Array) -> Array:
    """Outputs (m, B) of one network, parameters (d,), for observations (n, B), normalised already if they are to be."""
    start, values = 0, observations
    for i, (inputs, width) in enumerate(policy.layers, start=1):
        stop = start + (inputs + 1) * width
        layer = parameters[start:stop].reshape(inputs + 1, width)
        squash = OUTPUTS[policy.output] if i == len(policy.layers) else ACTIVATIONS[policy.activation]
        values, start = squash(layer[:-1].T @ values + layer[-1][:, None]), stop
    return values
