"""A config made into objects: everything that every rank holds, and nothing of MPI or HDF5."""

from collections.abc import Sequence

import numpy as np

from esmaml_mpi.adaptation.meta_parameters import meta_size, own_initial
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import make_algorithm, make_operator, make_policy, make_tasks
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.meta import Algorithm
from esmaml_mpi.meta.combining import Combining
from esmaml_mpi.meta.held_out import HeldOut
from esmaml_mpi.meta.stages import Combination, Request
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.outcome import Outcome
from esmaml_mpi.rollouts.trials import RolloutSetup
from esmaml_mpi.rollouts.units import Tally
from esmaml_mpi.settings.fields import parse
from esmaml_mpi.tasks import make_family


class Experiment:
    """Policy, tasks, operator and, for training, algorithm of a resolved config."""

    def __init__(
        self,
        config: Config,
        test_phase: Phase = Phase.TEST,
        test_tasks: Sequence[int] | None = None,
        test_repeats: int | None = None,
        training: bool = True,
    ) -> None:
        """``test_tasks`` and ``test_repeats`` replace the config's; ``test_phase`` keys their streams. Without
        ``training`` there are tests alone: adaptations may then be others than the algorithm can train for.
        """
        self.config = config
        self.test_phase = test_phase
        self.streams = Streams(config.run.seed)
        self.family = make_family(config.task.name, config.task.horizon, config.task.options)
        self.policy = make_policy(config, self.family)
        self._algorithm = make_algorithm(config) if training else None
        test_tasks = config.test_tasks if test_tasks is None else test_tasks
        self.held_out = HeldOut(tuple(test_tasks), test_repeats or config.test.repeats)
        table = make_tasks(config, self.family, range(max(*config.train_tasks, *test_tasks) + 1))
        operator = make_operator(config)
        self.sampler = make_sampler(config.adaptation.directions, config.adaptation.direction_options, "adaptation")
        setup = RolloutSetup(
            self.policy,
            self.family,
            table,
            self.streams,
            config.task.rollouts,
            config.adaptation.share_rollouts,
            config.adaptation.scored_by == "trials",
            self.sampler,
            parse(RewardCorruption, config.task.corruption, "task.corruption"),
            operator.pivot_last,
            config.adaptation.draws,
        )
        self.evaluator = Evaluator(setup, operator, config.run.threads, config.run.unit_timeout)

    def initial_theta(self) -> np.ndarray:
        """Meta-parameters at iteration 0: those of the policy, and below them those of the operator."""
        policies, operators = (self.streams.generator(Purpose.INITIAL_POLICY, unit=unit) for unit in range(2))
        theta = self.policy.initial(policies, self.config.policy.output_gain)
        return np.concatenate([theta, own_initial(self.evaluator.operator, self.policy, operators)])

    @property
    def algorithm(self) -> Algorithm:
        """What trains."""
        assert self._algorithm is not None, "an experiment without training"
        return self._algorithm

    @property
    def most_units(self) -> int:
        """Of any round."""
        return max(self._algorithm.most_units if self._algorithm else 0, self.held_out.evaluations)

    @property
    def meta_size(self) -> int:
        """Numbers of theta."""
        return meta_size(self.evaluator.operator, self.policy)

    def train_units(self, request: Request, indices: range) -> tuple[np.ndarray, Tally]:
        """Rows (U, width) of training units of the algorithm's stage, nan where one failed, and their tally."""
        return self.algorithm.work(request, indices, self.evaluator)

    def combining(self, request: Request, combination: Combination) -> Combining:
        """What the algorithm's combination of directions comes to, in parts or as a whole."""
        at = request.round
        perturbations, tasks = self.algorithm.directions_of(combination.number, at)
        return Combining(combination, perturbations, tasks, request.theta.size, at, request.subspace)

    def test_units(self, request: Request, indices: range) -> Outcome:
        """Evaluate test units, before and after adaptation."""
        at = Round(self.test_phase, request.iteration)
        units, points = self.held_out.units(at, indices), self.held_out.points(request.theta, indices)
        return self.evaluator.evaluate(points, units, request.observer, True, request.subspace)

    @property
    def uses_subspace(self) -> bool:
        """Whether a sampler of directions uses what earlier meta-gradients suggest."""
        return self.sampler.uses_basis or (self._algorithm is not None and self._algorithm.uses_subspace)
