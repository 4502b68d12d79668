"""Environments that share something, fail or are unusual, on 1, 2 and 3 ranks: the same numbers, and few words."""

import shutil
import sys
from pathlib import Path

import own_things_runs
import pytest
from files import differences
from mpirun import run

sys.path.append(str(Path(__file__).parents[1] / "tasks"))

import own_things

pytestmark = pytest.mark.slow  # ranks of their own

RANKS = (1, 2, 3)
FAILING = ("spike", "hole", "broken", "leaves")
ALL = tuple(own_things_runs.CASES)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """For each number of ranks the folder of results, and what was printed in each case."""
    found = {}
    for ranks in RANKS:
        folder, cases = tmp_path_factory.mktemp(f"ranks{ranks}"), list(ALL)
        if shutil.which("cc"):
            own_things.compiled(folder)
        else:
            cases.remove("compiled")
        # Those of one rank in this very mpirun too: it is the environments that are looked at.
        command = [sys.executable, own_things_runs.__file__, str(folder), *cases]
        done = run(command, None if ranks == 1 else ranks, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        texts = dict(part.split("\n", 1) for part in done.stdout.split("case ")[1:])
        found[ranks] = folder, texts, done.stderr
    return found


@pytest.mark.parametrize("case", [case for case in ALL if case not in FAILING])
def test_numbers_are_the_same_on_any_ranks(runs, case):
    if case not in runs[1][1]:
        pytest.skip("no C compiler")
    for ranks in RANKS[1:]:
        assert differences(runs[1][0] / f"{case}.h5", runs[ranks][0] / f"{case}.h5") == []


@pytest.mark.parametrize("case", ["one_world", "only_one", "compiled", "calculator", "apart"])
def test_a_world_that_is_one_gives_the_numbers_of_many(runs, case):
    """To the bits that an environment gives whose state is its own."""
    if case not in runs[1][1]:
        pytest.skip("no C compiler")
    assert differences(runs[1][0] / "reach.h5", runs[1][0] / f"{case}.h5") == []


@pytest.mark.parametrize(
    "case, cause",
    [
        ("spike", "observation[1] = 1e+20 at step 7 of task "),
        ("hole", "observation[1] = nan at step 7 of task 0"),
        ("broken", "gymnasium raised ValueError: joint limit (own_things.py, line "),
        ("leaves", "gymnasium raised SystemExit: 3 (own_things.py, line "),
    ],
)
@pytest.mark.parametrize("ranks", RANKS)
def test_the_cause_of_failures_is_said_once_by_all_ranks_together(runs, case, cause, ranks):
    said = runs[ranks][1][case]
    assert said.count("Traceback") == (case in ("broken", "leaves")) and said.count("drawn again") == 1
    assert len(said.splitlines()) < 30
    last = said.splitlines()[-1]
    assert last.startswith("esmaml: iteration 0: 6 of 6 evaluations failed, and it was already redrawn 2 times")
    assert f"The reason: {cause}" in last


@pytest.mark.parametrize("ranks", RANKS)
def test_episodes_that_are_cut_short_are_said_once(runs, ranks):
    assert runs[ranks][1]["truncates"].count("has truncated an episode itself, after 8 steps") == 1


@pytest.mark.parametrize("ranks", RANKS)
def test_nothing_is_warned_of_where_nothing_is_shared(runs, ranks):
    assert "came out otherwise" not in runs[ranks][2]
