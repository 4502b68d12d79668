"""The section [meta] of PG-MAML and E-MAML, and what it asks of other sections."""

from dataclasses import dataclass
from typing import ClassVar

from esmaml_mpi.baselines.policy_gradient_steps import PolicyGradientSteps
from esmaml_mpi.baselines.stochastic_policy import StochasticPolicy, initial_std_setting
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import MetaSettings, Sections, algorithm_setting


def shares_setting() -> int:
    """The key that all algorithms have which learn from trajectories."""
    return setting(
        4,
        "parts into which the trajectories of each task and step are cut, at most one a trajectory of "
        "adaptation.queries. A part is what a rank computes at once: up to task.batch_size times so many ranks have "
        "something to do. Sums are taken over parts in their order: their last bits follow from this number, and not "
        "from that of ranks",
        minimum=1,
    )


@dataclass
class PGMAMLSettings(MetaSettings):
    """The outer loop: TRPO through sampled policy-gradient adaptations (PG-MAML)."""

    algorithm: str = algorithm_setting("pg_maml")
    inner_estimator: str = setting(
        "lvc",
        "how the adaptation is differentiated. dice: unbiased; lvc: unbiased for one step of an episode, of lower "
        "variance; biased: as in the first implementations; see docs/baselines.md",
        choices=("biased", "dice", "lvc"),
    )
    first_order: bool = setting(False, "drop the derivative of the adaptation (first-order MAML)")
    query_trajectories: int = setting(0, "trajectories of each task's adapted policy; 0: adaptation.queries", minimum=0)
    shares: int = shares_setting()
    initial_std: float = initial_std_setting()
    max_divergence: float = setting(0.01, "mean KL divergence that an update may cause, at most", above=0)
    conjugate_gradients: int = setting(10, "iterations of the conjugate-gradient method", minimum=1)
    damping: float = setting(1e-5, "added to the curvature of the divergence", minimum=0)
    line_search: int = setting(15, "candidates that the line search tries, at most", minimum=1)
    shrinkage: float = setting(0.8, "length of each candidate's step over the last one's", above=0, below=1)

    # The trust region decides on the whole step: there is nothing to set.
    optimizer: ClassVar[str] = "sgd"  # type: ignore[misc]  # no setting here
    step_size: ClassVar[float] = 1.0  # type: ignore[misc]  # no setting here
    optimizer_options: ClassVar[dict] = {}  # type: ignore[misc]  # no setting here
    step_size_schedule: ClassVar[dict] = {}  # type: ignore[misc]  # no setting here
    exploration: ClassVar[float] = 0.0

    def policy_of(self, network: Policy) -> StochasticPolicy:
        """Actions around the network's, with a standard deviation that is learned."""
        return StochasticPolicy(network, self.initial_std)


@dataclass
class EMAMLSettings(PGMAMLSettings):
    """The outer loop: TRPO on adaptations as functions of sampled trajectories, whose sampling is learned too
    (E-MAML).
    """

    algorithm: str = algorithm_setting("e_maml")
    exploration: float = setting(  # type: ignore[misc]  # a setting after all
        1.0,
        "weight of what sampling informative trajectories is worth, with the mean log-probability of a step; 1: as in "
        "E-MAML's implementations; the number of support steps: the exact gradient, whose variance drowns it",
        minimum=0,
    )
    # The adaptation is a function of given trajectories: that is then right.
    inner_estimator: ClassVar[str] = "biased"  # type: ignore[misc]  # no setting here
    first_order: ClassVar[bool] = False  # type: ignore[misc]  # no setting here


class PGMAMLSections(Sections):
    """A configuration that chooses this algorithm or E-MAML, and the operator that they differentiate."""

    adaptation: PolicyGradientSteps
    meta: PGMAMLSettings


def check_sections(config: Sections, operator: str) -> None:
    """ConfigError unless [adaptation] is this operator, whose rewards are true."""
    chosen = f"meta.algorithm = {config.meta.algorithm!r}"
    if config.adaptation.operator != operator:
        raise ConfigError(
            f"adaptation.operator = {config.adaptation.operator!r}: {chosen} differentiates the adaptation of "
            f"{operator!r}, which is wanted."
        )
    if any(config.task.corruption.get(key) for key in ("fraction", "noise_std")):
        raise ConfigError(
            f"task.corruption = {config.task.corruption!r}: {chosen} has no measurements that can be told from scores; "
            "{} is wanted."
        )
