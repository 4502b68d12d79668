"""The study: which trials there are, who has them, and what came of them. The one file that talks to Optuna.

A trial belongs to the process that holds its lock, which the system releases when that process ends however it ends. A
trial that is running in the study and held by nobody was killed: the next process goes on with it.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages.journal import JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ResultsError, UsageError, in_words
from esmaml_mpi.results.lock import OutputLock, writer_of
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tuning.journal import Journal
from esmaml_mpi.tuning.measure import Mean
from esmaml_mpi.tuning.plan import JOURNAL, Plan

NAME = "tune"  # of the one study in a journal
PATIENCE = 600.0  # seconds that the study is waited for while other processes choose points
NO_DEATHS = {"test": -1, "times": 0}
MOST_DEATHS = 3  # of processes at the same test of a trial
FEWEST = 10  # complete trials for importances
COUNTED = "rollouts "  # begins the names of attributes that say what an iteration takes
OVER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass
class Claimed:
    """A trial that this process has: its ``number``, its ``values`` by axis, and its lock."""

    number: int
    values: dict[str, Any]
    trial: Trial
    lock: OutputLock
    reported: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        return name_of(self.number)

    def report(self, step: int, value: float) -> None:
        """Tell the study; what it has been told before a kill is not told again."""
        if step not in self.reported:
            self.trial.report(value, step)
            self.reported.add(step)

    def is_hopeless(self) -> bool:
        """Whether the pruner would end the trial where it is."""
        return bool(self.trial.should_prune())


class Study:
    """The study of a plan in a folder, new or continued; ``shown`` is how messages name the folder.

    UsageError if the one that is there is of another plan; the message says in what it differs.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.plan, self.shown = plan, folder
        self.folder = Path.cwd() / folder  # an environment of the user's may go elsewhere
        with self._alone():
            self.optuna = _opened(self.folder / JOURNAL, _pruner(plan))
            told = self.optuna.user_attrs.get("plan")
            if told is None:
                self.optuna.set_user_attr("plan", _plain(plan.said()))
                if (own := plan.own_values()) is not None:
                    self.optuna.enqueue_trial(own, user_attrs={"own": True})
            else:
                self._check_same(told)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials so far, by number."""
        return [trial for trial in self.optuna.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]

    @property
    def tests_made(self) -> int:
        """Tests that trials have reported."""
        return sum(len(trial.intermediate_values) for trial in self.trials)

    def best(self) -> list[FrozenTrial]:
        """Complete trials, the best first."""
        complete = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        return sorted(complete, key=lambda trial: (mean_of(trial).rank, trial.number))

    def is_over(self) -> bool:
        """Whether all trials are."""
        trials = self.trials
        return len(trials) >= self.plan.tune.settings.trials and all(trial.state in OVER for trial in trials)

    def claim(self) -> Claimed | None:
        """A trial whose process was killed, or else a new one; None if there is none for this process."""
        with self._alone():
            trials = self.trials
            for frozen in trials:
                if frozen.state == TrialState.RUNNING and not writer_of(self.folder / name_of(frozen.number)):
                    if found := self._taken_over(frozen):
                        return found
            if len(trials) >= self.plan.tune.settings.trials:
                return None
            self._seed(len(trials))
            return self._held(self.optuna.ask(), 0)

    def leave(self, claimed: Claimed) -> None:
        """This process is to end, and the next one goes on with the trial: that is no death."""
        claimed.trial.set_user_attr("deaths", NO_DEATHS)

    def complete(self, claimed: Claimed, measures: list[float], failed: int = 0) -> None:
        """The trial is over, with the measure of each seed, and so many failed adaptations that are in none."""
        claimed.trial.set_user_attr("measures", measures)
        claimed.trial.set_user_attr("failed", failed)
        self.optuna.tell(claimed.trial, math.fsum(measures) / len(measures))

    def prune(self, claimed: Claimed, reason: str) -> None:
        """The trial has been ended; what it has reported is kept, and its point counts as a bad one."""
        claimed.trial.set_user_attr("reason", reason)
        self.optuna.tell(claimed.trial, state=TrialState.PRUNED)

    def config(self, values: Mapping[str, Any], seed: int, name: str) -> Config:
        """See ``Plan.config``. What one process has counted the others need not count again."""
        told, counted = self.optuna.user_attrs, self.plan.counted
        counted |= {key.removeprefix(COUNTED): told[key] for key in told if key.startswith(COUNTED)}
        config = self.plan.config(values, seed, name)
        for key in counted:
            if COUNTED + key not in told:
                self.optuna.set_user_attr(COUNTED + key, counted[key])
        return config

    def importances(self) -> dict[str, float]:
        """Share of each setting in how trials differ, by Optuna's PED-ANOVA; empty where there are too few."""
        from optuna.importance import get_param_importances

        complete = self.best()
        if len(complete) < FEWEST or len({trial.value for trial in complete}) < 2:
            return {}
        return get_param_importances(self.optuna)

    def _taken_over(self, frozen: FrozenTrial) -> Claimed | None:
        reached = len(frozen.intermediate_values)
        before = frozen.user_attrs.get("deaths", NO_DEATHS)
        times = before["times"] + 1 if before["test"] == reached else 1
        self._seed(frozen.number)
        claimed = self._held(Trial(self.optuna, frozen._trial_id), times)
        if times >= MOST_DEATHS:
            claimed.trial.set_user_attr("reason", f"its process was killed {times} times at the same test")
            self.optuna.tell(claimed.trial, state=TrialState.FAIL)
            claimed.lock.release()
            return None
        claimed.trial.set_user_attr("deaths", {"test": reached, "times": times})
        claimed.reported.update(frozen.intermediate_values)
        return claimed

    def _held(self, trial: Trial, deaths: int) -> Claimed:
        """The trial with its lock and a value for each axis: those that it had, if it had any."""
        values = {axis.key: axis.suggested(trial) for axis in self.plan.axes}
        lock = OutputLock(self.folder / name_of(trial.number))
        lock.acquire()
        return Claimed(trial.number, values, trial, lock)

    def _seed(self, number: int) -> None:
        """Choose the point of trial ``number`` by a generator of its own, so that a study that was stopped chooses as
        one that was not.
        """
        settings = self.plan.tune.settings
        seed = int(np.random.SeedSequence([settings.sampler_seed, number]).generate_state(1)[0])
        sampler: BaseSampler = TPESampler(seed=seed) if settings.sampler == "tpe" else RandomSampler(seed=seed)
        self.optuna.sampler = sampler

    def _check_same(self, told: dict[str, Any]) -> None:
        now = _plain(self.plan.said())
        differing = [
            f"{key}: {show(told.get(key))} -> {show(now.get(key))}"
            for key in sorted({*told, *now})
            if told.get(key) != now.get(key)
        ]
        if differing:
            raise UsageError(
                f"{self.shown} holds a study with other settings: {'; '.join(differing)}. Choose another --output, or "
                "set them back."
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """As the only process that chooses trials."""
        lock = OutputLock(self.folder / "study")
        lock.acquire(PATIENCE)
        try:
            yield
        finally:
            lock.release()


def mean_of(trial: FrozenTrial) -> Mean:
    """What a complete trial has reached."""
    return Mean.of(trial.user_attrs["measures"], trial.user_attrs.get("failed", 0))


def name_of(number: int) -> str:
    """The beginning of the names of a trial's files."""
    return f"trial{number:04}"


def _opened(path: Path, pruner: BasePruner) -> optuna.Study:
    try:
        storage = JournalStorage(Journal(path))
        if NAME in optuna.get_all_study_names(storage):
            return optuna.load_study(study_name=NAME, storage=storage, pruner=pruner)
        return optuna.create_study(storage=storage, study_name=NAME, direction="maximize", pruner=pruner)
    except (LookupError, TypeError, ValueError, AssertionError) as error:
        raise ResultsError(f"{path} is not a study's ({in_words(error)}): another program has written it.") from error


def _pruner(plan: Plan) -> BasePruner:
    settings = plan.tune.settings
    if settings.pruner == "none":
        return NopPruner()
    return MedianPruner(n_startup_trials=settings.prune_after, n_warmup_steps=settings.prune_from_test)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives them back."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
