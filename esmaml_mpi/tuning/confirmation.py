"""The confirmation: the best trials again, with seeds that no trial has had, and the file's own settings beside them.

The best of many trials has been lucky, so that its measure is too good. Its mean over fresh seeds is not.
"""

from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from esmaml_mpi.config.config import Config
from esmaml_mpi.sweeps.state import COMPLETE, state_of
from esmaml_mpi.tuning.measure import Mean, course_of
from esmaml_mpi.tuning.study import Study, name_of

FOLDER = "confirm"  # of its runs, inside the study's


@dataclass(frozen=True)
class Fresh:
    """A run of the confirmation; ``claim`` is what the process that trains it has locked."""

    config: Config
    output: Path

    @property
    def claim(self) -> Path:
        return self.output.with_suffix("")


@dataclass
class Confirmation:
    """The confirmation of a study whose trials are over."""

    study: Study

    def trials(self) -> list[FrozenTrial]:
        """Which are confirmed: the best, by their measure, and then the file's own settings, unless they are among them
        or were not fit to run.
        """
        if not self.study.plan.tune.confirm.seeds:
            return []
        best = self.study.best()[: self.study.plan.tune.confirm.best]
        own = [
            trial
            for trial in self.study.trials
            if trial.user_attrs.get("own")
            and (trial.state == TrialState.COMPLETE or (trial.state == TrialState.PRUNED and trial.intermediate_values))
        ]
        return best + [trial for trial in own if trial.number not in [each.number for each in best]]

    def runs(self, trial: FrozenTrial) -> list[Fresh]:
        """Of one trial, a run for each fresh seed; ConfigError where its settings do not fit each other."""
        found = []
        for seed in self.study.plan.tune.fresh:
            name = f"{name_of(trial.number)}_seed{seed}"
            config = self.study.config(trial.params, seed, name)
            found.append(Fresh(config, self.study.folder / FOLDER / f"{name}.h5"))
        return found

    @property
    def tests_made(self) -> int:
        """Tests of the runs that are complete."""
        complete = [run for trial in self.trials() for run in self.runs(trial) if self._is_complete(run)]
        return len(complete) * self.study.plan.tune.settings.tests

    def left(self) -> list[Fresh]:
        """Runs that are not complete, and have not failed; the first seed of every trial comes before the second."""
        runs = [self.runs(trial) for trial in self.trials()]
        in_order = [run for of_seed in zip(*runs, strict=True) for run in of_seed]
        return [run for run in in_order if not self._reason(run) and not self._is_complete(run)]

    def failed(self, run: Fresh, reason: str) -> None:
        """Remember that this run could not be made; its trial is not the best."""
        self.study.optuna.set_user_attr(f"failed {run.output.stem}", reason)

    def mean(self, trial: FrozenTrial) -> Mean | None:
        """The measure over fresh seeds; None until all its runs are complete, or where one has failed."""
        runs, last = self.runs(trial), self.study.plan.tune.settings.last_tests
        if not runs or not all(self._is_complete(run) for run in runs):
            return None
        values, failed = zip(*(course_of(run.output).ending(last) for run in runs), strict=True)
        return Mean.of(list(values), sum(failed))

    def _reason(self, run: Fresh) -> str | None:
        reason: str | None = self.study.optuna.user_attrs.get(f"failed {run.output.stem}")
        return reason

    def _is_complete(self, run: Fresh) -> bool:
        return state_of(run.output, run.config).kind == COMPLETE
