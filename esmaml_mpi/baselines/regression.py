"""Few-shot regression by gradients: MAML (Finn et al. 2017, Algorithm 2), first-order MAML and Evo-MAML on one task.

Performance is minus the mean squared error. Gradients are exact, those of MAML through the inner steps included.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from esmaml_mpi.baselines.double import Array, compiled, jax, jnp
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.network import outputs
from esmaml_mpi.policies.mlp import Policy


class Samples(NamedTuple):
    """``inputs`` (n, B), ``targets`` (m, B)."""

    inputs: np.ndarray
    targets: np.ndarray


class Learner(Protocol):
    """What the functions below need of a learner."""

    @property
    def network(self) -> Policy: ...
    @property
    def step_size(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def first_order(self) -> bool: ...


@dataclass(frozen=True)
class MAML:
    """``step_size`` alpha, inner steps ``steps``; ``first_order`` drops the derivative of the inner steps."""

    network: Policy
    step_size: float = 0.01
    steps: int = 1
    first_order: bool = False

    normals_wanted = 0

    def contribution(
        self, theta: np.ndarray, support: Samples, query: Samples, normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (d,) and performance () on the query samples of theta (d,) adapted to the support samples.

        ``normals`` (d, normals_wanted) is the task's randomness, of which MAML needs none.
        """
        return _meta_gradient(self, theta, support, query)

    def path(self, theta: np.ndarray, support: Samples, query: Samples, normals: np.ndarray, steps: int) -> np.ndarray:
        """Performances (steps + 1,) on the query samples after 0, 1, .. inner steps."""
        return _path_performances((self, steps), theta, support, query)


@dataclass(frozen=True)
class EvoMAML:
    """First-order inner steps, then the evolving step; the meta-gradient is that of the query at the mixture."""

    network: Policy
    step_size: float = 0.01
    steps: int = 1
    evolution: Evolution = Evolution()

    first_order = True

    @property
    def normals_wanted(self) -> int:
        """Standard normals per parameter that the evolving step of one task needs."""
        return self.evolution.candidates

    def contribution(
        self, theta: np.ndarray, support: Samples, query: Samples, normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See ``MAML.contribution``."""
        mixture = self._evolved(_adapted(self, theta, support), support, normals)
        return _gradient(self, mixture, query)

    def path(self, theta: np.ndarray, support: Samples, query: Samples, normals: np.ndarray, steps: int) -> np.ndarray:
        """See ``MAML.path``; after each number of inner steps but 0, with the evolving step."""
        performances = [_performance(self, theta, query)]
        for _ in range(steps):
            theta = _gradient_step(self, theta, support)
            performances.append(_performance(self, self._evolved(theta, support, normals), query))
        return np.array(performances)

    def _evolved(self, adapted: np.ndarray, support: Samples, normals: np.ndarray) -> np.ndarray:
        points = self.evolution.points(adapted, normals)
        return self.evolution.mixture(points, _performances(self, points, support))


def _value(learner: Learner, theta: Array, samples: Samples) -> jax.Array:
    errors = outputs(learner.network, theta, samples.inputs) - samples.targets
    return -jnp.mean(jnp.sum(errors**2, axis=0))


def _step(learner: Learner, theta: Array, support: Samples) -> jax.Array:
    step = learner.step_size * jax.grad(_value, argnums=1)(learner, theta, support)
    after: jax.Array = theta + (jax.lax.stop_gradient(step) if learner.first_order else step)
    return after


def _after(learner: Learner, theta: Array, support: Samples) -> Array:
    for _ in range(learner.steps):
        theta = _step(learner, theta, support)
    return theta


@compiled
def _meta_gradient(learner: Learner, theta: Array, support: Samples, query: Samples) -> tuple[jax.Array, jax.Array]:
    value, gradient = jax.value_and_grad(lambda start: _value(learner, _after(learner, start, support), query))(theta)
    return gradient, value


@compiled
def _path_performances(
    learner_and_steps: tuple[Learner, int], theta: Array, support: Samples, query: Samples
) -> jax.Array:
    learner, steps = learner_and_steps
    performances = [_value(learner, theta, query)]
    for _ in range(steps):
        theta = _step(learner, theta, support)
        performances.append(_value(learner, theta, query))
    return jnp.stack(performances)


@compiled
def _gradient(learner: Learner, theta: Array, samples: Samples) -> tuple[jax.Array, jax.Array]:
    value, gradient = jax.value_and_grad(_value, argnums=1)(learner, theta, samples)
    return gradient, value


@compiled
def _performances(learner: Learner, points: Array, samples: Samples) -> jax.Array:
    performances: jax.Array = jax.lax.map(lambda theta: _value(learner, theta, samples), points.T)
    return performances


_adapted, _gradient_step, _performance = compiled(_after), compiled(_step), compiled(_value)
