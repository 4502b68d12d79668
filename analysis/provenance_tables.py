"""Tables of what runs are and what happened to them: settings, launches, failures."""

import numpy as np
from groups import NOT_SET, Group
from tables import Table

from esmaml_mpi.config.config import flat
from esmaml_mpi.results.reader import Results

LAST = ("command", "launch_id")  # of the facts about a launch, the long ones


def members(groups: list[Group]) -> Table:
    """Which run is in which group."""
    rows = [
        (str(run.path), run.config.run.seed, run.config.run.name, i, each.label)
        for i, each in enumerate(groups, 1)
        for run in each.runs
    ]
    return Table("Runs by group.", ("run", "seed", "name", "group", "is"), rows)


def differences(groups: list[Group]) -> Table:
    """Every setting in which groups differ, or runs of one group that need not agree in it."""
    every = [[flat(run.config.to_dict()) for run in each.runs] for each in groups]
    names = dict.fromkeys(name for own in every for one in own for name in one)
    rows = []
    for name in names:
        values = [[str(one.get(name, NOT_SET)) for one in own] for own in every]
        if name not in ("run.seed", "run.name") and len({value for own in values for value in own}) > 1:
            rows.append((name, *(" / ".join(dict.fromkeys(own)) for own in values)))
    columns = ("setting", *(f"group {i}" for i in range(1, len(groups) + 1)))
    return Table("All settings in which groups differ, or runs within them.", columns, rows)


def launches(runs: list[Results]) -> tuple[Table, Table]:
    """Where, when and with what runs were started or resumed: what all launches share, and each launch."""
    every = [(run, i, launch) for run in runs for i, launch in enumerate(run.launches)]
    facts = sorted({fact for _, _, launch in every for fact in launch}, key=lambda fact: (fact in LAST, fact))
    values = {fact: [str(launch.get(fact, "")) for _, _, launch in every] for fact in facts}
    alike = [fact for fact in facts if len(set(values[fact])) == 1]
    apart = [fact for fact in facts if fact not in alike]
    shared = [fact for fact in alike if values[fact][0]]  # what no launch says, nobody misses
    rows = [(str(run.path), i, *(values[fact][j] for fact in apart)) for j, (run, i, _) in enumerate(every)]
    if len(every) == 1:  # all is said already
        rows = []
    return (
        Table("The same for all launches.", ("fact", "value"), [(fact, values[fact][0]) for fact in shared]),
        Table("Launches; 0 began the run, later ones resumed it.", ("run", "launch", *apart), rows),
    )


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
