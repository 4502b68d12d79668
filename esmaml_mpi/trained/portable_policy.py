"""A policy as other programs are given it: the network with its numbers, what goes in and out, and where it is from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from esmaml_mpi.baselines.stochastic_policy import StochasticPolicy
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.tasks.interface import Interface
from esmaml_mpi.trained.meta_policy import Actor


@dataclass(frozen=True)
class PortablePolicy:
    """``parameters`` (d,) of ``network``, what it sees, and the interface of its family.

    ``origin`` is what a card says of where it is from, as JSON has it: empty if that is not known. ``trial``: which
    trial it is for, from 1; 0: none.
    """

    network: Policy
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
        UsageError if it is of an architecture of somebody's own.
        """
        if isinstance(policy, StochasticPolicy):
            policy = policy.mean
        if not isinstance(policy, Policy):
            raise UsageError(
                f"a policy that is a {type(policy).__name__} cannot be written for other programs, as it is not "
                "of this program's own architectures; MetaPolicy and Session act with it in Python."
            )
        interface = interface or Interface(policy.observation_size, policy.action_size)
        return cls(policy, parameters[: policy.size], observer, interface, origin or {}, trial)

    @property
    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights (inputs, outputs) and biases (outputs,) of each layer."""
        found, start = [], 0
        for inputs, outputs in self.network.layers:
            layer = self.parameters[start : start + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
            found.append((layer[:-1], layer[-1]))
            start += layer.size
        return found

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
        """An action that the environment takes, on an observation as it gives it: see ``MetaPolicy.action``."""
        return self._actor.action(observation, mask)

    @cached_property
    def _actor(self) -> Actor:
        return Actor(self.network, self.parameters, self.observer, self.interface)
