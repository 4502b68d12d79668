"""Tables of what runs are and what happened to them: settings, launches, failures."""

import numpy as np
from groups import NOT_SET
from tables import Table

from esmaml_mpi.config import flat
from esmaml_mpi.results.reader import Results

LAUNCH_FACTS = (
    "started",
    "ranks",
    "threads",
    "host",
    "cpu",
    "python",
    "version_numpy",
    "version_mujoco",
    "mpi_library",
    "git_commit",
    "slurm_job",
    "command",
)


def differences(runs: list[Results]) -> Table:
    """Every setting in which runs differ, seeds and names included; a row for each run."""
    every = [{name: str(value) for name, value in flat(run.config.to_dict()).items()} for run in runs]
    names = list(dict.fromkeys(name for own in every for name in own))
    differing = [name for name in names if len({own.get(name) for own in every}) > 1]
    rows = [
        (str(run.path), *(own.get(name, NOT_SET) for name in differing)) for run, own in zip(runs, every, strict=True)
    ]
    return Table("Settings in which the runs differ.", ("run", *differing), rows)


def launches(runs: list[Results]) -> Table:
    """Where, when and with what each run was started or resumed."""
    rows = [
        (str(run.path), i, *(str(launch.get(fact, "")) for fact in LAUNCH_FACTS))
        for run in runs
        for i, launch in enumerate(run.launches)
    ]
    names = (fact.removeprefix("version_").replace("_", " ") for fact in LAUNCH_FACTS)
    return Table("Launches; 0 began the run, later ones resumed it.", ("run", "launch", *names), rows)


def incidents(runs: list[Results]) -> Table:
    """How far each run is, and what failed on the way."""
    rows = []
    for run in runs:
        train, recovery, test = (run.history[name] for name in ("train", "recovery", "test"))
        missing = int(np.count_nonzero(~np.isfinite(test["after"])))
        counts = (len(train["iteration"]), run.config.meta.iterations, int(train["failed_units"].sum()))
        lost = (int(recovery["ranks_lost"].sum()), int(recovery["aggregator_lost"].sum()))
        resumed = len(run.launches) - 1
        row = (*counts, int(train["redraws"].sum()), missing, len(recovery["iteration"]), *lost, resumed)
        rows.append((str(run.path), *row, float(train["seconds"].sum())))
    columns = ("run", "updates", "of", "failed evaluations", "redraws", "failed test adaptations", "recoveries")
    columns += ("ranks lost", "aggregators lost", "times resumed", "wall-clock (s)")
    return Table("What happened on the way.", columns, rows)
