"""What a search has found: a table of at most 80 columns, and best.toml."""

import textwrap
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from esmaml_mpi.errors import counted
from esmaml_mpi.results.replacing import check_replaceable
from esmaml_mpi.tuning.confirmation import FOLDER, Confirmation
from esmaml_mpi.tuning.measure import Course, Mean, course_of
from esmaml_mpi.tuning.space import Range
from esmaml_mpi.tuning.study import Study, mean_of

COLUMNS = 80
MOST_SHOWN = 5  # trials
MARK = "# Found by `esmaml tune`"


def report(study: Study) -> str:
    """The whole report, of a study as far as it is."""
    confirmation = Confirmation(study)
    confirmed = {trial.number: confirmation.mean(trial) for trial in confirmation.trials()} if study.is_over() else {}
    shown = study.best()[:MOST_SHOWN]
    shown += [trial for trial in study.trials if trial.number in confirmed and trial not in shown]
    lines = [_budget(study), "", f"{'trial':>5}  {'the search, mean +- se':27}  with fresh seeds"]
    for trial in shown:
        lines.append(f"{trial.number:5}  {_measure(trial):27}  {_confirmed(confirmed, trial)}".rstrip())
        lines += textwrap.wrap(_values(study, trial), COLUMNS, initial_indent=" " * 7, subsequent_indent=" " * 7)
    lines += ["", *textwrap.wrap(_spent(study), COLUMNS)]
    if importances := study.importances():
        shares = ", ".join(f"{name} {share:.2f}" for name, share in importances.items())
        lines += textwrap.wrap(f"importance (PED-ANOVA): {shares}", COLUMNS)
    return "\n".join(lines)


def write_best(study: Study) -> Path | None:
    """Write best.toml, which `esmaml train` runs: the best by fresh seeds, or by the search if nothing was confirmed.

    None where no trial is complete; UsageError if the file there is another's.
    """
    confirmation = Confirmation(study)
    means = [(mean, trial) for trial in confirmation.trials() if (mean := confirmation.mean(trial))]
    if means:
        mean, trial = min(means, key=lambda pair: pair[0].rank)
    elif study.best() and not study.plan.tune.confirm.seeds:
        mean, trial = None, study.best()[0]
    else:
        return None
    tune = study.plan.tune
    config = study.config(trial.params, (tune.fresh or tune.seeds)[0], "best")
    path = study.folder / "best.toml"
    check_replaceable(path, "", MARK.encode())
    text = "\n".join(textwrap.wrap(_note(study, trial, mean), 118, initial_indent="# ", subsequent_indent="# "))
    path.write_text(f"{text}\n\n{config.to_toml()}", encoding="utf-8")
    return path


def _note(study: Study, trial: FrozenTrial, mean: Mean | None) -> str:
    tune = study.plan.tune
    space = "; ".join(
        f"{axis.key} {axis.low:g} to {axis.high:g}{' (log)' * axis.log}"
        if isinstance(axis, Range)
        else f"{axis.key} one of {', '.join(axis.overlays)}"
        for axis in study.plan.axes
    )
    found = f"{MARK[2:]} in {study.plan.path.name}: trial {trial.number} of {tune.settings.trials}. Searched: {space}."
    budget = f"Budget: {_budget(study)}. {_spent(study)}"
    search = f"Test reward after adaptation in the search: {_measure(trial)}"
    return " ".join([found, budget, search + (f"; with fresh seeds: {mean}." if mean else ", not confirmed.")])


def _budget(study: Study) -> str:
    settings = study.plan.tune.settings
    last = "the last test" if settings.last_tests == 1 else f"the mean of the last {settings.last_tests} tests"
    return f"at most {settings.rollouts:,} training rollouts a run; measured: {last} of {settings.tests}"


def _measure(trial: FrozenTrial) -> str:
    if trial.state == TrialState.COMPLETE:
        return str(mean_of(trial))
    return "ended at a test" if trial.state == TrialState.PRUNED else trial.state.name.lower()


def _confirmed(confirmed: dict[int, Mean | None], trial: FrozenTrial) -> str:
    text = str(confirmed.get(trial.number) or "")
    return text + ("  the file's own" if trial.user_attrs.get("own") else "")


def _values(study: Study, trial: FrozenTrial) -> str:
    shown = {axis.key: trial.params.get(axis.key) for axis in study.plan.axes}
    return "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items()
    )


def _spent(study: Study) -> str:
    """Trials by how they ended, and what all runs have taken."""
    states = [trial.state for trial in study.trials]
    unfit = [trial for trial in study.trials if "reason" in trial.user_attrs and not trial.intermediate_values]
    kinds = [
        (states.count(TrialState.COMPLETE), "complete"),
        (states.count(TrialState.PRUNED) - len([t for t in unfit if t.state == TrialState.PRUNED]), "ended at a test"),
        (len(unfit), "not fit to run"),
        (states.count(TrialState.FAIL), "failed"),
        (states.count(TrialState.RUNNING), "running"),
    ]
    said = ", ".join(f"{number} {kind}" for number, kind in kinds if number)
    parts = [f"{counted(len(states), 'trial')}: {said}; {_sum(study.folder)}"]
    if (study.folder / FOLDER).is_dir():
        parts.append(f"confirmation: {_sum(study.folder / FOLDER)}")
    return ". ".join(parts) + "."


def _sum(folder: Path) -> str:
    courses: list[Course] = [course_of(path) for path in sorted(folder.glob("trial*.h5"))]
    rollouts, hours = sum(each.rollouts for each in courses), sum(each.seconds for each in courses) / 3600
    return f"{counted(len(courses), 'run')}, {rollouts:,} training rollouts, {hours:.2f} hours"
