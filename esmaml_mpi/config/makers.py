"""The parts that the sections of a configuration describe."""

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.meta import Algorithm, algorithm_class
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.settings.sections import Sections
from esmaml_mpi.tasks.family import TaskFamily


def make_policy(config: Sections, family: TaskFamily) -> AnyPolicy:
    """The policy of a config for a family's observations and actions."""
    settings = config.policy
    policy = Policy(
        family.observation_size, family.action_size, tuple(settings.hidden), settings.activation, settings.output
    )
    made: AnyPolicy = config.meta.policy_of(policy)
    return made


def make_operator(config: Sections) -> Operator:
    """The adaptation operator of a config: its section [adaptation]."""
    return config.adaptation  # type: ignore[return-value]  # sections of operators are operators


def make_algorithm(config: Sections) -> Algorithm:
    """The meta-learning algorithm of a resolved config."""
    return algorithm_class(config.meta.algorithm).from_config(config)
