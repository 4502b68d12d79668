"""A policy as other programs are given it: the network with its numbers, what goes in and out, and where it is from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from esmaml_mpi.baselines.stochastic_policy import StochasticPolicy
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy, sees_rewards
from esmaml_mpi.policies.elman import Elman
from esmaml_mpi.policies.gru import Gru
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.tasks.interface import Interface
from esmaml_mpi.trained.meta_policy import Actor

Network = Policy | Gru | Elman
NETWORKS: dict[str, type[Network]] = {"mlp": Policy, "gru": Gru, "elman": Elman}  # those that files describe
Layers = list[tuple[np.ndarray, np.ndarray]]  # weights (inputs, outputs) and biases (outputs,) of each


@dataclass(frozen=True)
class PortablePolicy:
    """``parameters`` (d,) of ``network``, what it sees, and the interface of its family.

    ``origin`` is what a card says of where it is from, as JSON has it: empty if that is not known. ``trial``: which
    trial it is for, from 1; 0: none.
    """

    network: Network
    parameters: np.ndarray
    observer: Observer
    interface: Interface
    origin: Mapping[str, Any] = field(default_factory=dict)
    trial: int = 0

    @classmethod
    def of(
        cls,
        policy: AnyPolicy,
        parameters: np.ndarray,
        observer: Observer,
        interface: Interface | None = None,
        origin: Mapping[str, Any] | None = None,
        trial: int = 0,
    ) -> "PortablePolicy":
        """Of a policy that acts at random it is the mean of its actions. Without an interface sizes alone are known.

        UsageError if no file can hold it: what one describes is the arithmetic of ``NETWORKS``, and of no other class.
        """
        if isinstance(policy, StochasticPolicy):
            policy = policy.mean
        if sees_rewards(policy):
            raise UsageError(
                "this policy sees its rewards, and a policy file describes policies that see observations alone. "
                "MetaPolicy.bind(theta) acts, and can be told rewards (docs/recurrent.md)."
            )
        if not isinstance(policy, Network) or type(policy) not in NETWORKS.values():
            raise UsageError(
                f"this policy is a {type(policy).__name__}, whose arithmetic is its own, and a policy file describes "
                f"{', '.join(NETWORKS)} alone. MetaPolicy.bind(parameters) acts with it where its class is installed."
            )
        interface = interface or Interface(policy.observation_size, policy.action_size)
        return cls(policy, parameters[: policy.size], observer, interface, origin or {}, trial)

    @property
    def head(self) -> Policy:
        """The plain layers: all, or those behind the cell."""
        return self.network if isinstance(self.network, Policy) else self.network.head

    @property
    def layers(self) -> Layers:
        """The plain layers."""
        return _layers([self.head], self._parts[-1:])

    @property
    def cell(self) -> Layers:
        """Those of the cell; none without one."""
        return [] if isinstance(self.network, Policy) else _layers(self.network.cell, self._parts[:-1])

    @property
    def _parts(self) -> list[np.ndarray]:
        """Parameters of each layer of the cell, and those of all plain layers."""
        return [self.parameters] if isinstance(self.network, Policy) else self.network.split(self.parameters)

    @property
    def action_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest actions, each (m,), infinite where there is no bound."""
        low, high, size = self.interface.action_low, self.interface.action_high, self.network.action_size
        return np.array(low or (-np.inf,) * size), np.array(high or (np.inf,) * size)

    @property
    def scaled_actions(self) -> np.ndarray:
        """Which actions (m,) are scaled from outputs within +-1 to their bounds."""
        low, high = self.action_bounds
        scaled: np.ndarray = np.isfinite(low) & np.isfinite(high) & self.interface.actions_scaled
        return scaled

    @property
    def checksum(self) -> str:
        """SHA-256 of the parameters as little-endian doubles, in hexadecimal."""
        return hashlib.sha256(self.parameters.astype("<f8").tobytes()).hexdigest()

    def action(self, observation: Any, mask: Any = None) -> Any:
        """An action that the environment takes, on an observation as it gives it: see ``MetaPolicy.action``.

        A policy that remembers goes on from the call before; ``reset`` begins an episode.
        """
        return self._actor.action(observation, mask)

    def reset(self) -> None:
        """Forget what was seen: the next observation is the first of an episode."""
        self._actor.reset()

    @cached_property
    def _actor(self) -> Actor:
        return Actor(self.network, self.parameters, self.observer, self.interface)


def _layers(policies: Sequence[Policy], parameters: Sequence[np.ndarray]) -> Layers:
    """All layers of policies with these parameters."""
    found = []
    for policy, numbers in zip(policies, parameters, strict=True):
        start = 0
        for inputs, outputs in policy.layers:
            layer = numbers[start : start + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
            found.append((layer[:-1], layer[-1]))
            start += layer.size
    return found
