"""The parts that the sections of a configuration describe."""

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.meta import Algorithm, algorithm_class
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.settings.sections import Sections
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.interface import Interface


def make_policy(config: Sections, sizes: TaskFamily | Interface) -> AnyPolicy:
    """The policy of a config for observations and actions of these sizes."""
    settings = config.policy
    policy = Policy(
        sizes.observation_size, sizes.action_size, tuple(settings.hidden), settings.activation, settings.output
    )
    made: AnyPolicy = config.meta.policy_of(policy)
    return made


def inferred_interface(config: Sections, observation_size: int, parameters: int) -> Interface | None:
    """Sizes alone, of a file that says no more: the number of actions follows from that of parameters d.

    None if no policy of this config has d parameters.
    """
    one, two = (make_policy(config, Interface(observation_size, actions)).size for actions in (1, 2))
    further, rest = divmod(parameters - one, two - one)  # each action has as many parameters of its own
    return Interface(observation_size, 1 + further) if further >= 0 and not rest else None


def make_operator(config: Sections) -> Operator:
    """The adaptation operator of a config: its section [adaptation]."""
    return config.adaptation  # type: ignore[return-value]  # sections of operators are operators


def make_algorithm(config: Sections) -> Algorithm:
    """The meta-learning algorithm of a resolved config."""
    return algorithm_class(config.meta.algorithm).from_config(config)
