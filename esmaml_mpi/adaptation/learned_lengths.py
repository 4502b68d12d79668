"""Lengths that the outer loop learns: how far an operator's perturbations and steps go.

Each is learned as the logarithm of a factor, so that it stays positive, and begins with a factor of 1: as configured.
Step sizes for each parameter are learned by gradients in Meta-SGD (Li et al. 2017, arXiv 1707.09835); here rewards do.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.native.door import exp
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings import setting

SIGMA, STEP_SIZE, SCALES = "sigma", "step_size", "scales"
WORDS = {
    SIGMA: "sigma: a factor of sigma",
    STEP_SIZE: "step_size: a factor of step_size",
    SCALES: "scales: a factor for each parameter, of how far it is perturbed, and stepped where the operator steps",
}


def learned_setting(*names: str) -> list[str]:
    """The key that says which lengths are learned, of an operator that has these."""
    doc = "what the outer loop learns beside the policy, as logarithms of factors that are 1 at first; "
    return setting([], doc + "; ".join(WORDS[name] for name in names), choices=names)


@dataclass(frozen=True)
class Lengths:
    """Factors: of perturbations, and of a step that is measured in units of them. Each is broadcast to (d, U, T)."""

    perturbation: np.ndarray | None = None
    step: np.ndarray | None = None

    def perturbed(self, directions: np.ndarray) -> np.ndarray:
        """Directions (d, U, T, count), each as long as it is learned to be; the same array if nothing is learned."""
        if self.perturbation is None:
            return directions
        found: np.ndarray = directions * self.perturbation[..., None]
        return found

    def stepped(self, step: np.ndarray) -> np.ndarray:
        """Steps (d, U, T) that were estimated from directions as they were drawn, likewise."""
        return step if self.step is None else step * self.step


class LearnedLengths:
    """An operator some of whose lengths are learned: ``learned`` says which. Its own meta-parameters are one number for
    sigma, one for step_size, d for scales, in this order.
    """

    learned: list[str]

    def check_learned(self) -> None:
        """ConfigError where a length is named twice."""
        if len(set(self.learned)) < len(self.learned):
            raise ConfigError(f"adaptation.learned = {self.learned}: each length once is wanted.")

    @property
    def own_needs_policy(self) -> bool:
        """Whether their number depends on the policy."""
        return SCALES in self.learned

    def own_size(self, policy: AnyPolicy | None) -> int:
        """Numbers that are learned."""
        return sum(size for _, size in self.own_layout(policy))

    def own_layout(self, policy: AnyPolicy | None) -> list[tuple[str, int]]:
        """The lengths that are learned, and the size of each."""
        d = policy.size if policy is not None else 0
        sizes = {SIGMA: 1, STEP_SIZE: 1, SCALES: d}
        return [(name, size) for name, size in sizes.items() if name in self.learned]

    def own_initial(self, policy: AnyPolicy, generator: np.random.Generator) -> np.ndarray:
        """Zeros: factors of 1."""
        return np.zeros(self.own_size(policy))

    def factors(self, own: np.ndarray, policy: AnyPolicy | None) -> dict[str, np.ndarray]:
        """Of each length that is learned, (1, ..) or (d, ..) for ``own`` (e, ..)."""
        layout = self.own_layout(policy)
        edges = np.cumsum([size for _, size in layout])[:-1]
        return {name: exp(part) for (name, _), part in zip(layout, np.split(own, edges), strict=True)}

    def lengths(self, own: np.ndarray | None, policy: AnyPolicy | None) -> Lengths:
        """What ``own`` (e, U, T) makes of them; with None, and where nothing is learned, they are as configured."""
        if own is None or not self.learned:
            return Lengths()
        found, one = self.factors(own, policy), np.ones((1, *own.shape[1:]))
        sigma, step, scales = (found.get(name, one) for name in (SIGMA, STEP_SIZE, SCALES))
        # A gradient of queries at sigma times as far is 1 / sigma of what it seems. Scales are units of parameters, so
        # that a parameter which is perturbed as much further is moved as much further.
        return Lengths(sigma * scales, step / sigma * scales)
