"""A small search for several tests, and what a study holds."""

from pathlib import Path

import optuna
from optuna.storages.journal import JournalStorage

from esmaml_mpi.tuning.journal import Journal

TINY = """
[run]
name = "tiny"
[task]
horizon = 12
options = { reward = "squared_distance" }
[policy]
hidden = []
[adaptation]
queries = 3
[meta]
perturbations = 4
current_evaluations = 2
[test]
repeats = 1
[checkpoint]
every = 1
[tune]
rollouts = 1000
tests = 3
trials = 8
seeds = 2
prune_after = 3
prune_from_test = 1
confirm = { best = 2, seeds = 2 }
[tune.space]
"meta.sigma" = { low = 0.02, high = 0.5, log = true }
"adaptation.queries" = { low = 2, high = 5 }
policy.hidden = [[], [4]]
[tune.space.operator]
mc = {}
hc.adaptation.operator = "hill_climbing"
[sizes.long]
tune.rollouts = 200_000
"""


def trials_of(folder: Path) -> list[tuple]:
    """All that a study says of its trials, times excepted."""
    study = optuna.load_study(study_name="tune", storage=JournalStorage(Journal(folder / "study.journal")))
    return [
        (t.number, t.state.name, t.value, t.params, t.intermediate_values, t.user_attrs.get("measures"))
        for t in study.trials
    ]
