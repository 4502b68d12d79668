"""The sections [meta] of both forms of Evo-MAML."""

from dataclasses import dataclass

from esmaml_mpi.baselines.evo_es_gradient import EvoESGradient
from esmaml_mpi.baselines.evo_policy_gradient_steps import EvoPolicyGradientSteps
from esmaml_mpi.baselines.pg_maml_settings import shares_setting
from esmaml_mpi.baselines.stochastic_policy import StochasticPolicy, initial_std_setting
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import (
    ESTIMATOR_DOC,
    ESTIMATORS,
    NORMALIZATION_DOC,
    NORMALIZATIONS,
    MetaSettings,
    Sections,
    algorithm_setting,
)


@dataclass
class EvoMAMLSettings(MetaSettings):
    """The outer loop: policy gradients at what each task's candidates are mixed to (Evo-MAML)."""

    algorithm: str = algorithm_setting("evo_maml")
    query_trajectories: int = setting(0, "trajectories of each task's adapted policy; 0: adaptation.queries", minimum=0)
    shares: int = shares_setting()
    initial_std: float = initial_std_setting()

    def policy_of(self, network: Policy) -> StochasticPolicy:
        """Actions around the network's, with a standard deviation that is learned."""
        return StochasticPolicy(network, self.initial_std)


@dataclass
class EvoZeroOrderSettings(MetaSettings):
    """The outer loop: ES gradients at what each task's candidates are mixed to (Evo-MAML without back-propagation)."""

    algorithm: str = algorithm_setting("evo_zero_order")
    perturbations: int = setting(
        20, "perturbed adapted policies evaluated per task and iteration (both of a mirrored pair count)", minimum=1
    )
    sigma: float = setting(0.1, "smoothing of the meta-gradient", above=0)
    estimator: str = setting("antithetic", ESTIMATOR_DOC, choices=ESTIMATORS)
    reward_normalization: str = setting("standardize", NORMALIZATION_DOC, choices=NORMALIZATIONS)


class EvoMAMLSections(Sections):
    """A configuration that chooses Evo-MAML from trajectories, and its operator."""

    adaptation: EvoPolicyGradientSteps
    meta: EvoMAMLSettings


class EvoZeroOrderSections(Sections):
    """A configuration that chooses Evo-MAML from rewards alone, and its operator."""

    adaptation: EvoESGradient
    meta: EvoZeroOrderSettings
