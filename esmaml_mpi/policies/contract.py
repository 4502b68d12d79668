"""What a policy is: a flat vector of parameters for each simulation of a batch, bound once and asked at every step.

A policy that remembers says so by ``state_size``, and its bound form has ``state``. That is enough for all that is done
with it: batches are narrowed to the episodes that go on, memories are handed from one binding to the next.
"""

from typing import Protocol

import numpy as np


class Bound(Protocol):
    """A policy with parameters, for a batch of B simulations, before the first step of an episode."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The next call may write into the same array."""


class Remembering(Bound, Protocol):
    """What a policy with a ``state_size`` above 0 is bound to."""

    # All that earlier observations left behind, (state_size, B) float64. It may be read, and assigned to.
    state: np.ndarray


class Lived(Remembering, Protocol):
    """What a policy that ``sees_rewards`` is bound to."""

    def tell(self, rewards: np.ndarray, over: np.ndarray) -> None:
        """What the last actions have earned (B,), and which episodes (B,) bool ended with them."""


class AnyPolicy(Protocol):
    """Any of ``POLICIES``, or a policy around one that acts at random or sees its rewards."""

    @property
    def size(self) -> int:
        """Number of parameters d."""

    @property
    def observation_size(self) -> int:
        """Numbers n of an observation."""

    @property
    def noise_per_step(self) -> int:
        """Standard normals that it needs to choose an action."""

    @property
    def state_size(self) -> int:
        """Numbers that it remembers from one step to the next; 0: what it does depends on the observation alone, and
        perhaps on the step's number.
        """

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Parameters (d,) to start from."""

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> Bound:
        """Ready to act from step ``step`` on, with parameters (d, B), or (d + noise, B) where it acts at random, on
        observations with this mean and standard deviation, each (n,) or (n, B). It remembers nothing yet.
        """


def shifted_rows(policy: AnyPolicy) -> np.ndarray:
    """Which parameters are shifted to make a policy do something else, as if it had further inputs that are constant:
    the biases that its observations first meet, or all where a policy does not say which these are.
    """
    rows: np.ndarray = getattr(policy, "first_biases", np.arange(policy.size))
    return rows


def remembers(policy: AnyPolicy) -> bool:
    """Whether a policy may act otherwise on the same observation. One that does not say may."""
    return getattr(policy, "state_size", None) != 0


def sees_rewards(policy: AnyPolicy) -> bool:
    """Whether a policy is to be told what each of its steps has earned."""
    return bool(getattr(policy, "sees_rewards", False))


def can_narrow(policy: AnyPolicy) -> bool:
    """Whether ``narrowed`` gives a policy that acts as before. Not where it may remember and does not say what."""
    return hasattr(policy, "state_size")


def narrowed(
    policy: AnyPolicy,
    bound: Bound,
    kept: np.ndarray,
    parameters: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    step: int,
) -> Bound:
    """Columns ``kept`` of ``bound``, ready to go on at ``step`` with what they remember; ``parameters``, ``mean`` and
    ``std`` are those of these columns.
    """
    fewer = policy.bind(parameters, mean, std, step)
    if policy.state_size:
        fewer.state = bound.state[:, kept]  # type: ignore[attr-defined]  # both are Remembering
    return fewer
