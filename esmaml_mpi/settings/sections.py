"""The sections of a configuration: every setting with its default, limits and meaning.

Defaults are the paper's (Song et al. 2020, appendix): 150 + 150 evaluations, sigma 0.1 / 0.1, steps 0.01 / 0.05,
K = 20, width 32, forward finite differences, tasks (50, 5, 5) or (N, N, N).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.fields import WORD, setting

DIRECTIONS_DOC = "how perturbations are drawn, see docs/directions.md"
DIRECTION_OPTIONS_DOC = "options of that sampler, as { rho = 10, kernel = 'cosine' } of dpp"
DECODER_DOC = "how differences become a gradient: their average, or a regression on them, see docs/decoders.md"
DECODER_OPTIONS_DOC = "options of that decoder, as { regularization = 0.1 } of ridge"
SCHEDULE_DOC = (
    "how the {} changes over the iterations, as {}: by a factor from 1 to final; shape: constant, linear, cosine; "
    "iterations: when the end is reached, where meta.iterations may grow later"
)
MOST_THREADS = 4096  # more than any node has cores
KEY_WORD = 2**32 - 1  # adaptation steps and task ids are 32-bit parts of the keys of random streams


def _registry(module: str, name: str) -> Callable[[], Iterable[str]]:
    """Choices that are the keys of a registry, looked up when needed: settings stay free of the code they configure."""

    def choices() -> Iterable[str]:
        from importlib import import_module

        registry: Iterable[str] = getattr(import_module(module), name)
        return registry

    return choices


_DIRECTIONS = _registry("esmaml_mpi.directions", "DIRECTIONS")
DECODERS = _registry("esmaml_mpi.decoders", "DECODERS")
ESTIMATORS = _registry("esmaml_mpi.estimators", "ESTIMATORS")
NORMALIZATIONS = _registry("esmaml_mpi.estimators.rewards", "NORMALIZATIONS")
RANKED_NORMALIZATIONS = _registry("esmaml_mpi.estimators.rewards", "RANKED")
ESTIMATOR_DOC = "gradient estimator; antithetic uses half as many directions, each with its mirror image"
NORMALIZATION_DOC = (
    "reward normalisation. standardize: minus mean, over std, over queries and "
    "pivot; ars: over std of the queries; none"
)


@dataclass
class RunSettings:
    """The run as a whole."""

    name: str = setting("run", "names the results file results/NAME.h5")
    seed: int = setting(0, "seed of every random stream except the tasks'", minimum=0, maximum=WORD - 1)
    threads: int = setting(1, "threads per rank; does not change any number", minimum=1, maximum=MOST_THREADS)
    plan: str = setting(
        "static",
        "who evaluates what; static: equal shares; dynamic: ranks draw the next ones when they are done, for "
        "episodes of uneven length or unequal machines; does not change any number",
        choices=("static", "dynamic"),
    )
    update: str = setting(
        "auto",
        "who sums the directions of an iteration; aggregator: rank 0, which draws all of them again; shared: every "
        "rank a part; auto: shared where the directions are many numbers; does not change any number. Gradients by "
        "regression and samplers with importance weights are always rank 0's",
        choices=("auto", "aggregator", "shared"),
    )
    unit_timeout: float = setting(
        0.0,
        "seconds an evaluation may take before it counts as failed, times their number where a rank has several; "
        "0: no limit",
        minimum=0,
        maximum=1e6,
    )
    frozen_after: float = setting(
        0.0,
        "seconds after which a rank that the others wait for, and that neither answers nor computes, is lost: killed, "
        "and done without where MPI can; 0: it is named, and waited for",
        minimum=0,
        maximum=1e6,
    )


@dataclass
class TaskSettings:
    """The task family and how many of its tasks are used."""

    name: str = setting(
        "four_corners", "task family, see `esmaml tasks`", choices=_registry("esmaml_mpi.tasks", "FAMILIES")
    )
    horizon: int | None = setting(None, "steps per episode; default: the family's", minimum=1)
    train_size: int | None = setting(
        None,
        "number of training tasks; default 50, or N if the family has just N <= 50",
        minimum=1,
        maximum=KEY_WORD,
    )
    batch_size: int | None = setting(
        None, "tasks drawn per evaluation, without replacement; default 5, or N", minimum=1
    )
    test_size: int | None = setting(None, "number of test tasks; default 5, or N", minimum=1, maximum=KEY_WORD)
    rollouts: int = setting(1, "episodes averaged for each parameter vector", minimum=1)
    seed: int = setting(
        0, "seed of the tasks themselves, so that runs with other seeds share them", minimum=0, maximum=WORD - 1
    )
    options: dict = setting({}, "the family's own options, see `esmaml tasks NAME`")
    corruption: dict = setting(
        {},
        "noise on, and outliers among, the rewards that adaptations measure, as { noise_std = 3.0, fraction = 0.1 }; "
        "scores of adapted policies stay as they are, but for those of trials (adaptation.scored_by)",
    )


@dataclass
class PolicySettings:
    """The policy's architecture."""

    architecture: str = setting(
        "mlp",
        "mlp: plain layers, which remember nothing; gru, elman: recurrent; timed: plain layers that see the time; see "
        "docs/recurrent.md",
        choices=_registry("esmaml_mpi.policies", "POLICIES"),
    )
    options: dict = setting({}, "options of that architecture, where it has any")
    hidden: list[int] = setting(
        [32],
        "hidden layer widths; [] is a linear policy. gru and elman: the width of the recurrent cell, then those of "
        "plain layers between it and the actions",
        minimum=1,
    )
    activation: str = setting("relu", "hidden activation, of plain layers", choices=("relu", "tanh"))
    output: str = setting("tanh", "output squashing", choices=("tanh", "identity"))
    output_gain: float = setting(
        1.0,
        "factor on the last layer's initial weights; 0 starts from a policy that does nothing, so "
        "that perturbations alone explore",
        minimum=0,
    )
    normalize_observations: bool = setting(True, "subtract the running mean of observations and divide by their std")


def operator_setting(name: str) -> str:
    """The key that chooses an operator, in the section of the operator of this name."""
    return setting(
        name,
        "adaptation operator; the other keys depend on it: `esmaml config --set adaptation.operator=NAME`",
        choices=_registry("esmaml_mpi.adaptation", "OPERATORS"),
    )


SCORES = ("rollouts", "trials")
DRAWS = ("fresh", "fixed", "by_task")


@dataclass(frozen=True)
class AdaptationSettings:
    """The inner loop: U(theta, T). These keys are common to all operators, which add their own."""

    operator: str = operator_setting("es_gradient")
    share_rollouts: bool = setting(
        False,
        "try the same policies for all tasks of an evaluation in the first step, simulate each once and price it for "
        "every task; for families whose tasks differ in reward alone",
    )
    scored_by: str = setting(
        "rollouts",
        "what an adaptation's score is in training. rollouts: episodes of the adapted policy; trials: the rewards that "
        "it had while it was tried, which cost no further rollout, and are optimistic where the same policy does not "
        "always earn the same. Tests always have rollouts",
        choices=SCORES,
    )
    draws: str = setting(
        "fresh",
        "which random directions an adaptation has. fresh: its own; fixed: the same in every adaptation, so that "
        "training can arrange what each of them tries, and a robot tries just those; by_task: the same in every "
        "adaptation to a task, as in the released code, which tells the policy which task it is on",
        choices=DRAWS,
    )
    directions: str = setting("gaussian", DIRECTIONS_DOC, choices=_DIRECTIONS)
    direction_options: dict = setting({}, DIRECTION_OPTIONS_DOC)

    counts: ClassVar[tuple[str, ...]] = ()  # the settings that decide how many policies there are at once
    sees_rewards: ClassVar[bool] = False  # whether policies are shown their rewards, ``reward_scale`` times

    def refuse_search(self, why: str) -> None:
        """ConfigError if settings of a search are given to an operator that has none: it ``why``."""
        for key, value in (
            ("share_rollouts", False),
            ("scored_by", "rollouts"),
            ("draws", "fresh"),
            ("directions", "gaussian"),
            ("direction_options", {}),
        ):
            if getattr(self, key) != value:
                raise ConfigError(
                    f"adaptation.{key} = {getattr(self, key)!r}: adaptation.operator = {self.operator!r} {why}; leave "
                    f"it out (it is then {value!r})."
                )


def algorithm_setting(name: str) -> str:
    """The key that chooses an algorithm, in the section of the algorithm of this name."""
    return setting(
        name,
        "meta-learning algorithm; the other keys depend on it: `esmaml config --set meta.algorithm=NAME`",
        choices=_registry("esmaml_mpi.meta", "ALGORITHMS"),
    )


@dataclass
class MetaSettings:
    """The outer loop. These keys are common to all algorithms, which add their own; pg_maml and e_maml, whose trust
    region decides on the step, have neither ``step_size`` nor ``optimizer``, nor what belongs to them.
    """

    algorithm: str = algorithm_setting("zero_order")
    iterations: int = setting(500, "meta-updates", minimum=0)
    step_size: float = setting(0.01, "meta step beta", minimum=0)
    optimizer: str = setting("sgd", "sgd is the paper's", choices=_registry("esmaml_mpi.meta.optimizers", "OPTIMIZERS"))
    optimizer_options: dict = setting(
        {},
        "options of that optimizer, as { momentum = 0.9 } of sgd or { clip = 10.0 } of both, see docs/outer_loops.md",
    )
    step_size_schedule: dict = setting({}, SCHEDULE_DOC.format("step", "{ shape = 'cosine', final = 0.1 }"))
    max_failed_fraction: float = setting(
        0.4, "redraw an iteration in which more evaluations than this failed", minimum=0, maximum=1
    )
    max_redraws: int = setting(10, "give up after this many redraws of one iteration", minimum=0, maximum=KEY_WORD)
    memory_rows: int = setting(
        20, "meta-gradients remembered, for directions that use an active subspace or a learned kernel", minimum=1
    )
    memory_decay: float = setting(0.99, "weight of what is remembered, an iteration later", minimum=0, below=1)
    memory_threshold: float = setting(
        0.995, "share of the remembered gradients' squared length that the subspace holds", above=0, maximum=1
    )

    observation_statistics = "shared"  # a setting of the algorithms that have others

    def policy_of(self, network: Any) -> Any:
        """The policy that is trained, made of the section [policy]'s network."""
        return network


@dataclass
class ESMetaSettings(MetaSettings):
    """Keys of the outer loops that estimate a gradient from perturbations."""

    sigma: float = setting(0.1, "smoothing of the meta-gradient", above=0)
    sigma_schedule: dict = setting({}, SCHEDULE_DOC.format("sigma", "{ shape = 'linear', final = 0.5 }"))
    estimator: str = setting("forward_fd", ESTIMATOR_DOC, choices=ESTIMATORS)
    reward_normalization: str = setting("standardize", NORMALIZATION_DOC, choices=NORMALIZATIONS)
    directions: str = setting("gaussian", DIRECTIONS_DOC, choices=_DIRECTIONS)
    direction_options: dict = setting({}, DIRECTION_OPTIONS_DOC)
    decoder: str = setting("average", DECODER_DOC, choices=DECODERS)
    decoder_options: dict = setting({}, DECODER_OPTIONS_DOC)


@dataclass
class TestSettings:
    """Tests during training."""

    __test__ = False  # not a pytest class
    every: int = setting(
        10, "iterations between tests (and between rows of /parameters); 0: only at the end", minimum=0
    )
    repeats: int = setting(5, "adaptations per test task", minimum=1)


@dataclass
class CheckpointSettings:
    """When the results file is written."""

    every: int = setting(25, "iterations between writes; 0: by time only", minimum=0)
    minutes: float = setting(5.0, "longest time between writes, at iteration boundaries", above=0)
    keep: int = setting(2, "files of the run that are kept: the newest, and those before it", minimum=1, maximum=100)
    patience: float = setting(120.0, "seconds that the end of a run waits for its last write", above=0)


def known(size: int | None) -> int:
    """A size that only resolved configurations are sure to have."""
    if size is None:
        raise ValueError("how many tasks there are is known of a resolved config: call resolved() first")
    return size


@dataclass
class Sections:
    """What a configuration consists of. Code that needs no more of it than its values is typed by this class."""

    run: RunSettings
    task: TaskSettings
    policy: PolicySettings
    adaptation: AdaptationSettings
    meta: MetaSettings
    test: TestSettings
    checkpoint: CheckpointSettings
