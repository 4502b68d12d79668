"""What the inner step ascends. At the sampling policy the gradient of each is sum_t A_t grad log pi(a_t|s_t).

They differ in how that gradient changes with theta, which is the second-order term of the meta-gradient. Each takes
log probabilities (T,) of one episode's actions as a function of theta, and the episode.
"""

from esmaml_mpi.baselines.double import jax, jnp
from esmaml_mpi.baselines.trajectories import Trajectories


def dice(log_probabilities: jax.Array, episode: Trajectories) -> jax.Array:
    """Unbiased curvature: each step is weighted by the probability of all that led to it.

    DiCE (Foerster et al. 2018) with advantages (Farquhar et al. 2019): sum_t A_t (r_1 .. r_t - r_1 .. r_(t-1)), r_t the
    likelihood ratio to the sampling policy. Variance grows with T.
    """
    ratio = log_probabilities - episode.log_probabilities
    upto = jnp.cumsum(ratio)
    return jnp.sum(episode.weights * episode.advantages * (jnp.exp(upto) - jnp.exp(upto - ratio)))


def lvc(log_probabilities: jax.Array, episode: Trajectories) -> jax.Array:
    """Low-variance curvature (Rothfuss et al. 2019, equation 9): sum_t A_t r_t.

    Of the true curvature it lacks how theta changes later advantages, a term that vanishes for T = 1.
    """
    ratios = jnp.exp(log_probabilities - episode.log_probabilities)
    return jnp.sum(episode.weights * episode.advantages * ratios)


def biased(log_probabilities: jax.Array, episode: Trajectories) -> jax.Array:
    """sum_t A_t log pi(a_t|s_t), as in the first implementations of MAML for reinforcement learning (Finn et al. 2017).

    Its derivative takes the sampled actions as given, though their distribution depends on theta. It is right for
    E-MAML, whose adaptation is a function of given trajectories.
    """
    return jnp.sum(episode.weights * episode.advantages * log_probabilities)


INNER_OBJECTIVES = {"dice": dice, "lvc": lvc, "biased": biased}
