"""The section [meta] of first-order ES-MAML, and what it asks of the section [adaptation]."""

from dataclasses import dataclass

from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.decoders import make_decoder
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.hessians import HESSIANS
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.probes import Probe
from esmaml_mpi.reproducibility.randomness import Purpose, Streams
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import ESMetaSettings, Sections, algorithm_setting

# Samplers whose directions are independent, and those each of whose directions alone is N(0, I): a Hessian needs fourth
# moments.
INDEPENDENT = ("gaussian",)
NORMAL = (*INDEPENDENT, "orthogonal", "quasi_monte_carlo")


@dataclass
class FirstOrderSettings(ESMetaSettings):
    """The outer loop: gradients at each task's adapted policy (first order)."""

    algorithm: str = algorithm_setting("first_order")
    perturbations: int = setting(
        300, "perturbed adapted policies evaluated per task and iteration (both of a mirrored pair count)", minimum=1
    )
    current_evaluations: int = setting(
        1, "evaluations of each task's adapted policy per iteration; their mean is the pivot", minimum=1
    )
    adaptation_queries: int = setting(
        0,
        "queries of the adaptation gradient in training; 0: adaptation.queries, as in tests; 300: released code",
        minimum=0,
    )
    use_hessian: bool = setting(False, "multiply by I + alpha H (the paper's FO-Hessian), or not (FO-NoHessian)")
    hessian_estimator: str = setting(
        "antithetic",
        "plain is Algorithm 4; pivot and leave_one_out subtract a baseline; antithetic needs adaptation.estimator = "
        "'antithetic', with which leave_one_out is usable too; see docs/hessian.md",
        choices=sorted(HESSIANS),
    )
    hessian_rewards: str = setting(
        "normalized",
        "rewards that H is made of. normalized: as in the adaptation step, so that H is divided by their std like the "
        "step; raw: true scale, whatever the step's",
        choices=("normalized", "raw"),
    )
    split: str = setting(
        "perturbation",
        "what a unit of work is. perturbation: one rollout, two rounds per iteration; task: one task with all its "
        "rollouts, one round. Changes no number, except with local statistics",
        choices=("perturbation", "task"),
    )
    observation_statistics: str = setting(
        "shared",
        "statistics that training normalises observations by. shared: one set, as in tests; local: each unit of work "
        "its own, as in the released code (tests: all together); none: as policy.normalize_observations = false",
        choices=("shared", "local", "none"),
    )


class FirstOrderSections(Sections):
    """A configuration that chooses this algorithm, and the operator that it differentiates."""

    adaptation: ESGradient
    meta: FirstOrderSettings


def adaptation_probe(config: FirstOrderSections, streams: Streams) -> Probe:
    """The queries of the adaptation gradient at theta, as in a test's adaptation, and the pivot where it is needed."""
    adaptation, meta = config.adaptation, config.meta
    queries = meta.adaptation_queries or adaptation.queries
    perturbations = Perturbations(
        queries,
        adaptation.sigma,
        adaptation.estimator,
        adaptation.reward_normalization,
        make_sampler(adaptation.directions, adaptation.direction_options, "adaptation"),
        make_decoder(adaptation.decoder, adaptation.decoder_options, "adaptation.decoder_options"),
        streams,
        Purpose.ADAPTATION,
    )
    pivot = adaptation.evaluates_pivot or (meta.use_hessian and HESSIANS[meta.hessian_estimator].needs_pivot)
    return Probe(perturbations, int(pivot))


def check_settings(config: FirstOrderSections) -> None:
    """ConfigError unless [adaptation] is one ES gradient step, and has what the Hessian needs."""
    adaptation, meta = config.adaptation, config.meta
    chosen = "meta.algorithm = 'first_order'"
    if adaptation.operator != "es_gradient":
        raise ConfigError(
            f"adaptation.operator = {adaptation.operator!r}: {chosen} differentiates an ES gradient step, so "
            "'es_gradient' is wanted."
        )
    if adaptation.steps != 1:
        raise ConfigError(f"adaptation.steps = {adaptation.steps}: {chosen} differentiates one step, so 1 is wanted.")
    if adaptation.learned:
        raise ConfigError(
            f"adaptation.learned = {adaptation.learned}: {chosen} knows no derivative by lengths; [] is wanted, or "
            "meta.algorithm = 'zero_order'."
        )
    if adaptation.share_rollouts:
        raise ConfigError(
            f"adaptation.share_rollouts = true: with {chosen} each task has queries of its own, so false is wanted."
        )
    if adaptation.draws != "fresh":
        raise ConfigError(
            f"adaptation.draws = {adaptation.draws!r}: {chosen} takes the mean over directions as they are drawn anew; "
            "'fresh' is wanted."
        )
    if meta.adaptation_queries:
        budget = (meta.adaptation_queries, adaptation.estimator, adaptation.reward_normalization)
        check_budget("meta", "adaptation_queries", *budget)
    if meta.observation_statistics == "local" and not config.policy.normalize_observations:
        raise ConfigError(
            "meta.observation_statistics = 'local': policy.normalize_observations = false says there are none; 'none' "
            "or true is wanted."
        )
    if meta.use_hessian:
        _check_hessian(meta, adaptation)


def _check_hessian(meta: FirstOrderSettings, adaptation: ESGradient) -> None:
    name, signs = meta.hessian_estimator, len(ESTIMATORS[adaptation.estimator].signs)
    if HESSIANS[name].mirrored and signs != 2:
        raise ConfigError(
            f"meta.hessian_estimator = {name!r} needs queries in mirrored pairs: set adaptation.estimator = "
            f"'antithetic' (it is {adaptation.estimator!r}), or choose another: pivot, leave_one_out, plain."
        )
    directions = (meta.adaptation_queries or adaptation.queries) // signs
    if directions < HESSIANS[name].fewest_directions:
        raise ConfigError(
            f"meta.hessian_estimator = {name!r} needs at least {HESSIANS[name].fewest_directions} directions, and the "
            f"adaptation has {directions}: more queries are wanted."
        )
    wanted = INDEPENDENT if name == "leave_one_out" else NORMAL
    if adaptation.directions not in wanted:
        raise ConfigError(
            f"adaptation.directions = {adaptation.directions!r}: meta.hessian_estimator = {name!r} is biased with "
            f"these; {' or '.join(map(repr, wanted))} is wanted."
        )
