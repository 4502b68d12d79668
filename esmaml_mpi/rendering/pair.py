"""The meta-policy and the policy adapted from it, on one task, from the same start and with the same noise."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar, TypeVarTuple, cast

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.errors import TrainingError, UserError, in_words
from esmaml_mpi.policies.contract import Bound, Lived, sees_rewards
from esmaml_mpi.rendering.moment import Kept, Moment
from esmaml_mpi.rendering.own_frame import own_frame
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.simulate import FEWEST, RolloutError
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.tasks.contract import checked_noise, checked_rewards
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import Simulation
from esmaml_mpi.tasks.workspace import Workspace
from esmaml_mpi.trained.from_file import Trained

POLICIES = ("meta-policy", "adapted policy")

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class Pair:
    """Adapts as ``esmaml evaluate --tasks TASK --seed SEED`` does for its first repeat.

    The adapted policy's episode is the one scored there (the first of task.rollouts); the meta-policy gets its noise.
    """

    def __init__(self, trained: Trained, task: int, seed: int):
        config = dataclasses.replace(trained.config, run=dataclasses.replace(trained.config.run, seed=seed))
        experiment = Experiment(config, Phase.EVALUATE, [task], 1, training=False)
        self.setup, self.observer, self.task = experiment.evaluator.setup, trained.observer, task
        self.family = self.setup.family
        self.units = experiment.held_out.units(Round(Phase.EVALUATE, trained.iteration), range(1))
        points = experiment.held_out.points(trained.theta, range(1))  # (d + what the operator learns, 1)
        try:
            adapted, tally = experiment.evaluator.adapt(points, self.units, self.observer, trained.subspace)
        except RolloutError as error:
            raise TrainingError(f"task {task}: the adaptation failed: {in_words(error)}.") from error
        if tally.status.any():
            why = tally.causes[0].words if tally.causes else "a reward or an observation is not finite"
            raise TrainingError(f"task {task}: the adaptation failed: {why}.")
        points = points[: self.setup.policy.size]
        if sees_rewards(self.setup.policy):  # the adapted policy remembers its episodes, the meta-policy has none yet
            points = np.concatenate([points, self._no_memory(points)])
        self.parameters = np.concatenate([points, adapted[:, :, 0]], axis=1)
        if self.setup.policy.noise_per_step:
            scored = Trials(self.setup, self.units, self.observer, Workspace(), Purpose.AFTER_EPISODE)
            noise = scored.action_noise(self.setup.episodes)[:, :1]
            self.parameters = np.concatenate([self.parameters, np.repeat(noise, len(POLICIES), axis=1)])
        self.tasks = np.repeat(self.setup.task_table[:, [task]], len(POLICIES), axis=1)  # (p, 2)

    def play(self, drawn: Collection[int] = ()) -> Iterator[Moment]:
        """Both episodes, a moment after each step; every call plays the same.

        ``drawn``: the steps whose moments will be drawn. Where but one episode may be under way at a time, the first is
        over before the second begins, and its pictures are kept.
        """
        if getattr(self.family, "most_at_once", 0) == 1:
            return self._one_after_the_other(frozenset(drawn))
        return self._side_by_side(range(len(POLICIES)))

    def _side_by_side(self, chosen: Sequence[int]) -> Iterator[Moment]:
        """The episodes of these policies; a lone one has its double beside it, as in a run."""
        size, horizon, count = self.setup.policy.observation_size, self.family.horizon, len(chosen)
        columns = [*chosen, *chosen][: max(count, FEWEST)]
        observations = np.zeros((horizon + 1, size, len(columns)))
        bound = self.setup.policy.bind(self.parameters[:, columns], self.observer.mean, self.observer.std)
        simulation = self._guarded(self._start, observations[0], count)
        lengths, over = np.zeros(count, dtype=int), np.zeros(count, dtype=bool)
        yield Moment(0, simulation, observations[:1, :, :count], lengths, over, np.zeros(count))
        for t in range(horizon):
            seen = observations[: t + 2]
            lengths, over, returns = self._guarded(self._advance, simulation, bound, seen, count)
            yield Moment(t + 1, simulation, seen[..., :count], lengths, over, returns)
            if over.all():
                return

    def _one_after_the_other(self, drawn: frozenset[int]) -> Iterator[Moment]:
        films = []
        for policy in range(len(POLICIES)):
            film = Kept()
            for moment in self._side_by_side([policy]):
                shown = moment.step in drawn or (bool(drawn) and bool(moment.over.all()))
                film.add(moment, own_frame(self.family, cast(Any, moment.simulation), 0) if shown else None)
            films.append(film)
        for step in range(max(len(film.moments) for film in films)):
            yield Kept.joined(films, step)

    def _start(self, observation: np.ndarray, count: int) -> Simulation:
        simulation = self.family.simulation(self.tasks, self._noise(), Workspace())
        start(simulation, observation, count)
        return simulation

    def _advance(
        self, simulation: Simulation, bound: Bound, seen: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step; lengths, ends and returns so far, of the first ``count`` episodes."""
        steps, columns = len(seen) - 1, seen.shape[-1]
        simulation.step(bound.act(seen[-2]), seen[-1])
        rewards, ended = checked_rewards(self.family, simulation.rewards(seen, self.tasks), steps, columns)
        if sees_rewards(self.setup.policy):
            over = np.zeros(columns, dtype=bool) if ended is None else ended[-1]
            cast(Lived, bound).tell(rewards[-1], over | (steps == self.family.horizon))
        rewards = rewards[:, :count]
        if ended is None:
            return np.full(count, steps), np.zeros(count, dtype=bool), rewards.sum(axis=0)
        ended = np.logical_or.accumulate(ended[:, :count], axis=0)
        lengths = np.minimum(steps - np.count_nonzero(ended, axis=0) + 1, steps)
        earned = np.where(np.arange(steps)[:, None] < lengths, rewards, 0.0)
        return lengths, ended[-1], earned.sum(axis=0)

    def _no_memory(self, points: np.ndarray) -> np.ndarray:
        """What policies with parameters (d, U) remember before their first episode, (s, U)."""
        bound = self.setup.policy.bind(points, self.observer.mean, self.observer.std)
        return cast(Lived, bound).state

    def _noise(self) -> np.ndarray | None:
        """Noise (noise_size, 2) of the adapted policy's first episode, for both."""
        if self.family.noise_size == 0:
            return None
        stream = int(self.units.streams[0])
        generator = self.setup.streams.generator(
            Purpose.AFTER_EPISODE, self.units.round, unit=stream, task=self.task, step=0
        )
        drawn = checked_noise(self.family, self.family.draw_noise(generator, self.setup.episodes), self.setup.episodes)
        return np.repeat(drawn[:, :1], len(POLICIES), axis=1)

    def _guarded(self, call: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        try:
            with np.errstate(all="ignore"):  # a failed episode may be inf or nan, and is shown as failed
                return call(*arguments)
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            raise TrainingError(f"task {self.task}: {self.family.name} raised {in_words(error)}.") from error
