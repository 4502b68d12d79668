"""The study: who has which trial, how many there are, how points are chosen, and what is refused."""

import json
import statistics

import pytest
from studies import TINY, trials_of

from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.tuning.plan import Plan
from esmaml_mpi.tuning.report import report
from esmaml_mpi.tuning.search import Watch
from esmaml_mpi.tuning.study import Study


@pytest.fixture
def opened(tmp_path):
    """A study of the tiny search, under overrides: each call is as another process."""
    (tmp_path / "tiny.toml").write_text(TINY)
    return lambda *overrides: Study(Plan(tmp_path / "tiny.toml", overrides=overrides), tmp_path / "out")


def completed(study, value=None):
    claimed = study.claim()
    study.complete(claimed, [float(claimed.number) if value is None else value])
    claimed.lock.release()
    return claimed


def test_processes_get_trials_of_their_own_and_never_too_many(opened):
    first, second = opened("tune.trials=5"), opened("tune.trials=5")
    claims = [study.claim() for study in (first, second, first, second, first)]
    assert [claim.number for claim in claims] == [0, 1, 2, 3, 4]
    assert first.claim() is second.claim() is None and not first.is_over()
    for claim in claims:
        second.complete(claim, [0.0])
        claim.lock.release()
    assert first.is_over() and first.claim() is None and len(first.trials) == 5


def test_a_trial_whose_tests_failed_comes_after_those_whose_tests_did_not(opened):
    study = opened()
    for measure, failed in ((-1.0, 2), (-8.0, 0), (-6.0, 0), (-2.0, 1)):
        claimed = study.claim()
        study.complete(claimed, [measure], failed)
        claimed.lock.release()
    assert [trial.number for trial in opened().best()] == [2, 1, 3, 0]
    table = report(study)
    assert table.index("-6.00 (1 seed)") < table.index("-8.00 (1 seed)") < table.index("-1.00 (1 seed, 2 failed)")


def test_the_first_trial_is_the_files_own(opened):
    claimed = opened().claim()
    own = {"meta.sigma": 0.1, "adaptation.queries": 3, "policy.hidden": "[]", "operator": "mc"}
    assert claimed.values == own
    claimed.lock.release()


def test_there_is_none_where_the_space_has_not_the_files_own(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY.replace("low = 0.02", "low = 0.2"))
    study = Study(Plan(tmp_path / "tiny.toml"), tmp_path / "out")
    assert 0.2 <= study.claim().values["meta.sigma"] <= 0.5 and "own" not in study.trials[0].user_attrs


def test_a_killed_process_leaves_its_trial_to_the_next_one(opened):
    study = opened()
    lost = study.claim()
    lost.report(1, -3.0)
    lost.lock.release()  # as the system does
    found = opened().claim()
    assert (found.number, found.values) == (lost.number, lost.values)
    found.report(1, -3.0)  # it has been told already
    found.report(2, -2.0)
    assert study.trials[0].intermediate_values == {1: -3.0, 2: -2.0} and len(study.trials) == 1


def test_a_trial_that_kills_its_process_is_given_up(opened):
    study = opened()
    for _ in range(3):
        claimed = study.claim()
        assert claimed.number == 0
        claimed.lock.release()
    assert study.claim().number == 1
    assert study.trials[0].state.name == "FAIL" and "3 times" in study.trials[0].user_attrs["reason"]


@pytest.mark.parametrize("forward", ["a test more each time", "stopped by a signal"])
def test_one_that_goes_forward_is_not(opened, forward):
    study = opened()
    for step in range(1, 6):
        claimed = study.claim()
        assert claimed.number == 0
        if forward == "stopped by a signal":
            study.leave(claimed)
        else:
            claimed.report(step, 0.0)
        claimed.lock.release()


def test_points_are_those_of_one_process_however_often_it_is_stopped(opened, tmp_path):
    whole = opened()
    points = [completed(whole).values for _ in range(8)]
    assert len({json.dumps(point) for point in points}) > 4
    (tmp_path / "out").rename(tmp_path / "before")
    assert [completed(opened()).values for _ in range(8)] == points


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("tune.rollouts=999", ["tune.rollouts: 1000 -> 999"]),
        ("tune.pruner=none", ["tune.pruner: 'median' -> 'none'"]),
        ("tune.seeds=[0, 2]", ["tune.seeds: [0, 1] -> [0, 2]"]),
        ("adaptation.sigma=0.7", ["adaptation.sigma: 0.1 -> 0.7"]),
        ("tune.space.policy.hidden=[[], [5]]", ["tune.space.policy.hidden", "[4]", "[5]"]),
    ],
)
def test_another_search_in_the_folder_is_refused_by_what_differs(opened, override, words):
    opened()
    with pytest.raises(UsageError, match="study with other settings") as refused:
        opened(override)
    assert all(word in str(refused.value) for word in words), refused.value


def test_more_trials_and_another_confirmation_go_on(opened):
    completed(opened())
    assert completed(opened("tune.trials=20", "tune.confirm.seeds=9")).number == 1


def test_a_journal_that_is_none_is_refused(opened, tmp_path):
    (tmp_path / "out").mkdir()
    for line in ('{"no": "study"}', '{"op_code": 77, "worker_id": "x"}', "text"):
        (tmp_path / "out" / "study.journal").write_text(line + "\n")
        with pytest.raises(ResultsError, match="study"):
            opened()


def _median_rule(before, reports, settings):
    """The steps at which a trial with these reports is below the median of complete ones, tried one by one."""
    best = -float("inf")
    for step, value in sorted(reports.items()):
        best = max(best, value)
        if step >= settings.prune_from_test and best < statistics.median(each[step] for each in before):
            return step
    return None


@pytest.mark.parametrize(
    ("made_up", "seeds", "ended_at"),
    [
        ([[-9, -8, -7], [-9, -4, -2]], 2, 2),
        ([[-9, -7, -5], [-9, -9, -9]], 2, None),  # nothing is left to save at the last step
        ([[-9, -7, -5], [-9, -9, -9]], 3, 6),
        ([[-1, -1, -1], [-9, -9, -9]], 3, None),
    ],
)
def test_a_trial_is_ended_where_it_is_below_the_median_of_its_step(opened, made_up, seeds, ended_at):
    study = opened("tune.prune_from_test=2")
    tests, reports = 3, []
    for shift in (0.0, -1.0, -2.0):  # three complete trials, whose runs have different courses
        claimed = study.claim()
        watch = Watch(claimed, tests, last_step=2 * tests)
        for run in ([-9.0, -6.0, -4.0], [-9.0, -7.0, -3.0]):
            watch.run_is_complete([value + shift for value in run])
        assert not watch.hopeless
        study.complete(claimed, [run[-1] for run in watch.earlier])
        claimed.lock.release()
        reports.append(study.trials[claimed.number].intermediate_values)
    assert reports[0] == {1: -9.0, 2: -6.0, 3: -4.0, 4: -9.0, 5: -6.5, 6: -3.5}  # means over the runs so far
    watch = Watch(study.claim(), tests, last_step=seeds * tests)
    own = {}
    for number, run in enumerate(made_up):
        for test, value in enumerate(run, 1):
            own[number * tests + test] = statistics.fmean([*(each[test - 1] for each in made_up[:number]), value])
        if not watch.hopeless:
            watch.run_is_complete([float(value) for value in run])
    expected = _median_rule(reports, own, study.plan.tune.settings)
    assert ended_at == (None if expected == seeds * tests else expected)
    assert (max(study.trials[3].intermediate_values) if watch.hopeless else None) == ended_at


def test_without_a_pruner_nothing_is_ended(opened, tmp_path):
    study = opened("tune.pruner=none")
    for _ in range(4):
        completed(study, 0.0)
    watch = Watch(study.claim(), 3, last_step=6)
    watch.run_is_complete([-1e9, -1e9, -1e9])
    assert not watch.hopeless and trials_of(tmp_path / "out")[4][4] == {1: -1e9, 2: -1e9, 3: -1e9}
