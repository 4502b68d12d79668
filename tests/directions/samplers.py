"""Every sampler, by the name that a failing test shows, and many draws of it."""

import numpy as np

from esmaml_mpi.directions import make_sampler

SAMPLERS = {
    "gaussian": make_sampler("gaussian"),
    "orthogonal": make_sampler("orthogonal"),
    "hadamard": make_sampler("hadamard"),
    "quasi_monte_carlo": make_sampler("quasi_monte_carlo"),
    "dpp_rbf": make_sampler("dpp"),
    "dpp_cosine": make_sampler("dpp", {"kernel": "cosine"}),
    "dpp_learned": make_sampler("dpp", {"kernel": "learned"}),
    "dpp_released": make_sampler("dpp", {"rho": 5, "absolute_length": 5.0}),
}
# Those under which each direction alone has the first two moments of N(0, I).
UNBIASED = ("gaussian", "orthogonal", "hadamard", "quasi_monte_carlo", "dpp_cosine")


def draws(name, dimension, count, repetitions, seed=0):
    """(repetitions, dimension, count)."""
    generator = np.random.default_rng([seed, dimension, count])
    return np.stack([SAMPLERS[name].draw(generator, dimension, count) for _ in range(repetitions)])
