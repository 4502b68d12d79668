"""A config made into objects: everything that every rank holds, and nothing of MPI or HDF5."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.config import Config
from esmaml_mpi.corruption import RewardCorruption
from esmaml_mpi.decoders import make_decoder
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.evaluation import Evaluator, Outcome
from esmaml_mpi.meta import ALGORITHMS
from esmaml_mpi.meta.held_out import HeldOut
from esmaml_mpi.policies import Policy
from esmaml_mpi.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts import Observer
from esmaml_mpi.settings import parse
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.contract import task_table
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.trials import Laboratory


@dataclass(frozen=True)
class Request:
    """What rank 0 asks of all ranks in one round: ``train`` and ``test`` say which kinds of units take part."""

    iteration: int
    attempt: int
    train: bool
    test: bool
    theta: np.ndarray
    observer: Observer
    subspace: Subspace | None = None  # where a sampler of directions uses it

    @property
    def round(self) -> Round:
        """The key of its training units."""
        return Round(Phase.TRAIN, self.iteration, self.attempt)


class Experiment:
    """Policy, tasks, operator and algorithm of a resolved config."""

    def __init__(
        self, config: Config, test_phase: Phase = Phase.TEST, test_tasks=None, test_repeats: int | None = None
    ):
        """``test_tasks`` and ``test_repeats`` replace the config's; ``test_phase`` keys their streams."""
        self.config = config
        self.test_phase = test_phase
        self.streams = Streams(config.run.seed)
        self.family = make_family(config.task.name, config.task.horizon, config.task.options)
        self.policy = make_policy(config, self.family)
        self.algorithm = make_algorithm(config)
        test_tasks = config.test_tasks if test_tasks is None else test_tasks
        self.held_out = HeldOut(tuple(test_tasks), test_repeats or config.test.repeats)
        task_streams = Streams(config.task.seed)
        ids = range(max(*config.train_tasks, *test_tasks) + 1)
        table = task_table(self.family, ids, lambda i: task_streams.generator(Purpose.TASK, task=i))
        operator = make_operator(config)
        self.sampler = make_sampler(config.adaptation.directions, config.adaptation.direction_options, "adaptation")
        lab = Laboratory(
            self.policy,
            self.family,
            table,
            self.streams,
            config.task.rollouts,
            config.adaptation.share_rollouts,
            self.sampler,
            parse(RewardCorruption, config.task.corruption, "task.corruption"),
            operator.pivot_last,
        )
        self.evaluator = Evaluator(lab, operator, config.run.threads, config.run.unit_timeout)

    def initial_theta(self) -> np.ndarray:
        """Meta-parameters (d,) at iteration 0."""
        return self.policy.initial(self.streams.generator(Purpose.INITIAL_POLICY), self.config.policy.output_gain)

    def train_units(self, request: Request, indices: range) -> Outcome:
        """Evaluate training units of the algorithm; their value is the mean of ``after`` over tasks."""
        units = self.algorithm.units(request.round, indices)
        points = self.algorithm.points(request.theta, request.round, indices, request.subspace)
        return self.evaluator.evaluate(points, units, request.observer, subspace=request.subspace)

    def test_units(self, request: Request, indices: range) -> Outcome:
        """Evaluate test units, before and after adaptation."""
        at = Round(self.test_phase, request.iteration)
        units, points = self.held_out.units(at, indices), self.held_out.points(request.theta, indices)
        return self.evaluator.evaluate(points, units, request.observer, True, request.subspace)

    @property
    def uses_subspace(self) -> bool:
        """Whether a sampler of directions uses what earlier meta-gradients suggest."""
        return self.sampler.uses_basis or self.algorithm.sampler.uses_basis


def make_policy(config: Config, family: TaskFamily) -> Policy:
    """The policy of a config for a family's observations and actions."""
    settings = config.policy
    return Policy(
        family.observation_size, family.action_size, tuple(settings.hidden), settings.activation, settings.output
    )


def make_operator(config: Config) -> Operator:
    """The adaptation operator of a config: its section [adaptation]."""
    return config.adaptation


def make_algorithm(config: Config):
    """The meta-learning algorithm of a resolved config."""
    meta = config.meta
    return ALGORITHMS[meta.algorithm](
        perturbations=meta.perturbations,
        current_evaluations=meta.current_evaluations,
        sigma=meta.sigma,
        estimator=meta.estimator,
        reward_normalization=meta.reward_normalization,
        top_directions=meta.top_directions,
        top_ranking=meta.top_ranking,
        sampler=make_sampler(meta.directions, meta.direction_options, "meta"),
        decoder=make_decoder(meta.decoder, meta.decoder_options, "meta.decoder_options"),
        train_size=config.task.train_size,
        batch_size=config.task.batch_size,
        streams=Streams(config.run.seed),
    )
