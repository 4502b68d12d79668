"""The parts that the sections of a configuration describe."""

from collections.abc import Sequence

import numpy as np

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.adaptation.meta_parameters import meta_size
from esmaml_mpi.config.unopened import Unopened, UnopenedMeta
from esmaml_mpi.errors import ConfigError, UserError, in_words
from esmaml_mpi.meta import ALGORITHMS, Algorithm, algorithm_class
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.lifelong import Lifelong
from esmaml_mpi.reproducibility.randomness import Purpose, Streams
from esmaml_mpi.settings.contract import source
from esmaml_mpi.settings.fields import show
from esmaml_mpi.settings.sections import MetaSettings, Sections
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.contract import best_return, task_table
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.interface import Interface


def make_policy(config: Sections, sizes: TaskFamily | Interface) -> AnyPolicy:
    """The policy of a config for observations and actions of these sizes; ConfigError if it cannot be made."""
    settings, adaptation, name = config.policy, config.adaptation, config.policy.architecture
    lifelong = getattr(adaptation, "sees_rewards", False)
    observations, actions = sizes.observation_size, sizes.action_size
    if name != "mlp" and type(config.meta).policy_of not in (MetaSettings.policy_of, UnopenedMeta.policy_of):
        raise ConfigError(
            f"policy.architecture = {name!r}: meta.algorithm = {config.meta.algorithm!r} makes a policy that acts at "
            "random around an 'mlp', which is wanted."
        )
    architecture = POLICIES.find(name)
    inputs = Lifelong.inputs(observations, actions) if lifelong else observations
    given = (inputs, actions, tuple(settings.hidden), settings.activation, settings.output)
    try:
        policy = architecture(*given, **settings.options)
    except UserError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{POLICIES.told(name, POLICIES.key)}{source(architecture)}: it cannot be made of {given!r} and "
            f"policy.options = {show(settings.options)}: {in_words(error)}."
        ) from error
    POLICIES.check_made(name, policy)
    made: AnyPolicy = config.meta.policy_of(policy)
    if lifelong:
        made = Lifelong(made, observations, actions, adaptation.reward_scale)  # type: ignore[attr-defined]  # has it
    return made


def has_own_policy(config: Sections) -> bool:
    """Whether what acts is this program's own, so that it can be made without importing anybody's code."""
    algorithm = config.meta.algorithm
    return POLICIES.is_ours(config.policy.architecture) and ALGORITHMS.is_ours(algorithm)


def inferred_interface(config: Sections, observation_size: int, parameters: int) -> Interface | None:
    """Sizes alone, of a file that says no more: the number of actions follows from that of parameters d.

    None if no policy of this config has d parameters.
    """
    one, two = (make_policy(config, Interface(observation_size, actions)).size for actions in (1, 2))
    further, rest = divmod(parameters - one, two - one)  # each action has as many parameters of its own
    return Interface(observation_size, 1 + further) if further >= 0 and not rest else None


def theta_fits(config: Sections, policy: AnyPolicy, size: int) -> bool:
    """Whether so many numbers can be the meta-parameters of a config with this policy. Of an operator that has not been
    imported nobody knows how many it has of its own.
    """
    if isinstance(config.adaptation, Unopened):
        return size >= policy.size
    return size == meta_size(make_operator(config), policy)


def make_operator(config: Sections) -> Operator:
    """The adaptation operator of a config: its section [adaptation]."""
    return config.adaptation  # type: ignore[return-value]  # sections of operators are operators


def make_algorithm(config: Sections) -> Algorithm:
    """The meta-learning algorithm of a resolved config."""
    name = config.meta.algorithm
    algorithm = algorithm_class(name).from_config(config)
    ALGORITHMS.check_made(name, algorithm)
    return algorithm


def make_tasks(config: Sections, family: TaskFamily, ids: Sequence[int]) -> np.ndarray:
    """Parameters (p, tasks) of the tasks ``ids`` of a config."""
    streams = Streams(config.task.seed)
    return task_table(family, ids, lambda i: streams.generator(Purpose.TASK, task=i))


def best_possible(config: Sections, ids: Sequence[int]) -> float | None:
    """The highest mean reward there is on the tasks ``ids`` of a config; None where its family does not know."""
    family = make_family(config.task.name, config.task.horizon, config.task.options)
    return best_return(family, make_tasks(config, family, ids))
