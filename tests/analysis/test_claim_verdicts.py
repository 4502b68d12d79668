"""Claims: the rule of verdicts, on made-up runs."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("scripts")


def made(size, point, values, experiment="e", **series):
    """Runs of a point whose last test has these values, one a seed."""
    from claim_summary import Point, Run

    def run(seed, value):
        own = dict(iteration=[0, 10], rollouts=[0, 100], seconds=[0.0, 1.0], after=[0.0, value], before=[0.0, 0.0])
        names = dict(experiment=experiment, size=size, point=point, seed=seed, planned=10, file=f"{point}{seed}.h5")
        return Run(**names, commit="abc", config="0", series=own | series)

    return [Point(experiment, size, point, 10)], [run(seed, value) for seed, value in enumerate(values)]


def summary(*made_up):
    from claim_summary import Summary

    return Summary([point for points, _ in made_up for point in points], [run for _, runs in made_up for run in runs])


def judged(found, *parts, **claim):
    """The one claim with these parts."""
    from claim_list import Claim
    from claim_verdicts import judge

    (one,) = judge((Claim("It is so.", "a paper", parts, **claim),), found)
    return one


def part(points="a", against="b", **how):
    from claim_list import Part

    return Part("first against second", "e", tuple(points), tuple(against), **how)


HIGH, LOW, WIDE = [10.0, 11.0, 12.0, 11.5], [1.0, 2.0, 1.5, 1.2], [-40.0, 3.0, 60.0, 1.0]


def test_verdict_is_by_the_side_of_the_interval():
    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    cases = {"agrees": part(), "disagrees": part(above=False), "not resolved at this scale": part(against="c")}
    for verdict, tested in cases.items():
        assert judged(found, tested).verdict == verdict
    assert judged(found, part("b", "a", above=False)).verdict == "agrees"
    assert judged(found, part(against="x")).verdict == "not run"
    assert judged(found).verdict == "not run"


def test_threshold_is_subtracted_and_one_seed_resolves_nothing():
    found = summary(made("paper", "a", HIGH), made("paper", "b", [99.0]))
    assert judged(found, part(against="", threshold=9.0)).verdict == "agrees"
    assert judged(found, part(against="", threshold=11.0)).verdict == "not resolved at this scale"
    assert judged(found, part(against="", threshold=13.0)).verdict == "disagrees"
    assert judged(found, part("b", "")).verdict == "not resolved at this scale"
    assert judged(found, part("a", "b")).verdict == "not resolved at this scale"


def test_claim_agrees_if_all_parts_that_were_run_do():
    import claim_page

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    yes, no, open_, gone = part(), part(above=False), part(against="c"), part(against="x")
    for parts, verdict, counts in (
        ((yes, yes), "agrees", ""),
        ((yes, gone), "agrees", " (2 parts: 1 agrees, 1 not run)"),
        ((yes, open_), "not resolved at this scale", " (2 parts: 1 agrees, 1 not resolved)"),
        ((yes, no, open_), "disagrees", " (3 parts: 1 agrees, 1 disagrees, 1 not resolved)"),
        ((yes, replace(no, beside=True)), "agrees", ""),
    ):
        one = judged(found, *parts)
        assert (one.verdict, claim_page.counts(one)) == (verdict, counts)
    assert claim_page.counts(judged(found, yes, lacks="the other side")) == " (2 parts: 1 agrees, 1 not run)"


def test_interval_is_the_wider_of_bootstrap_and_welch():
    import bootstrap
    import claim_verdicts

    a, b = np.array([5.0, 6.0, 9.0]), np.array([4.9, 1.0, 3.0])
    (evidence,) = judged(summary(made("paper", "a", a), made("paper", "b", b)), part()).run
    # Both variances over 3, Welch's degrees of freedom, and Student's 97.5 % quantile of 3.9979 of them.
    squares = np.array([13 / 9, 3.8033333 / 3])
    freedom = squares.sum() ** 2 / (squares**2 / 2).sum()
    assert freedom == pytest.approx(3.983, abs=1e-3)
    low, high = claim_verdicts.welch_interval(a, b)
    assert (low + high) / 2 == pytest.approx(a.mean() - b.mean())
    assert (high - low) / 2 == pytest.approx(2.7804 * np.sqrt(squares.sum()), rel=1e-3)
    assert bootstrap.difference_interval(a, b)[0] > 0  # of three seeds the extremes bound it
    assert evidence.interval[0] == low < 0 and evidence.verdict == "not resolved at this scale"
    assert evidence.interval[1] >= max(high, bootstrap.difference_interval(a, b)[1])


def test_points_of_a_side_are_averaged_over_the_seeds_that_all_have():
    found = summary(made("paper", "a", [1.0, 2.0, 3.0]), made("paper", "c", [5.0, 8.0]), made("paper", "b", [0.0, 1.0]))
    (evidence,) = judged(found, part("ac", "b")).run
    assert evidence.a.tolist() == [3.0, 5.0] and evidence.difference == 3.5


def test_values_are_taken_at_equal_cost():
    early, late = [1.0, 8.0, 16.0], [0, 50, 200]
    slow = made("paper", "a", [0.0] * 2, iteration=[0, 5, 20], rollouts=late, after=early, before=[0.0, 1.0, 2.0])
    found = summary(slow, made("paper", "b", [2.0, 2.0]))
    (evidence,) = judged(found, part(at="rollouts")).run
    assert evidence.instant == 100 and evidence.a == pytest.approx(8 + 8 / 3) and evidence.b.tolist() == [2.0, 2.0]
    (gain,) = judged(found, part(at="rollouts", quantity="gain")).run
    assert gain.a == pytest.approx(8 + 8 / 3 - 4 / 3)
    (last,) = judged(summary(slow, made("paper", "b", [2.0] * 2, iteration=[0, 5])), part()).run
    assert last.instant == 5 and last.a.tolist() == [8.0, 8.0] and not last.complete
    (progress,) = judged(summary(slow), part(against="", quantity="progress")).run
    assert progress.a.tolist() == [15.0, 15.0]


@pytest.mark.parametrize(
    "at, own, other",
    [
        ("iteration", [0, 3, 6], [0, 4, 8]),  # of untrained policies nothing is claimed
        ("iteration", [7], [9]),  # as with test.every = 0
        ("rollouts", [10], [0, 5]),  # a score at 1,000 rollouts is none at 500
    ],
)
def test_runs_that_were_tested_at_no_common_instant_settle_nothing(at, own, other):
    def tested(iterations, values):
        costs = [100 * iteration for iteration in iterations]
        return dict(iteration=iterations, rollouts=costs, seconds=costs, after=values, before=values)

    a = made("paper", "a", HIGH, **tested(own, [50.0] * len(own)))
    b = made("paper", "b", LOW, **tested(other, [1.0] * len(other)))
    assert judged(summary(a, b), part(at=at)).verdict == "not run"


def test_between_two_costs_only_what_was_measured_around_them_counts():
    failed = made("paper", "a", [1.0], rollouts=[0, 200], after=[None, None])
    ended = made("paper", "a", [1.0, 2.0], rollouts=[0, 200], after=[1.0, None])
    cheap = made("paper", "b", [3.0, 5.0])
    assert judged(summary(failed, cheap), part(at="rollouts")).verdict == "not run"
    assert judged(summary(ended, cheap), part(at="rollouts")).verdict == "not run"


def test_failed_values_are_left_out():
    found = summary(made("paper", "a", [1.0, None, 3.0]), made("paper", "b", [None, None]))
    (evidence,) = judged(found, part(against="")).run
    assert evidence.a.tolist() == [1.0, 3.0]
    assert judged(found, part()).verdict == "not run"


def test_paper_size_comes_first_and_is_whole():
    a, b = made("small", "a", HIGH), made("small", "b", LOW)
    assert judged(summary(made("paper", "a", LOW), a, b), part()).run[0].size == "small"
    both = summary(made("paper", "a", LOW), made("paper", "b", HIGH), a, b)
    assert judged(both, part()).run[0].size == "paper" and judged(both, part()).verdict == "disagrees"
    assert judged(both, part(size="small")).verdict == "agrees"


def test_overview_tells_how_many_parts_stand_after_adjustment():
    import claim_page

    near = summary(made("paper", "a", [3.0, 5.0, 4.0]), made("paper", "b", [1.0, 2.2, 0.6]), made("paper", "c", HIGH))
    one = judged(near, part(), part("c", "b"), part("b", "a", above=False, beside=True))
    assert [each.verdict for each in one.run] == ["agrees"] * 3
    (row,) = claim_page.overview([one], [[0.06, 0.001, 0.001]]).rows
    assert row[-1] == "1 of 2" and row[-2] == "**agrees**" and "(paper, 3 or 4 seeds)" in row[3]
    assert claim_page.overview([judged(near)], [[]]).rows[0][-2:] == ("**not run**", "-")


def test_p_is_adjusted_for_all_parts_of_all_claims():
    import claim_verdicts
    import significance

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    several = [judged(found, part(), part(against="c")), judged(found), judged(found, part(against=""))]
    ps = claim_verdicts.adjusted(several)
    assert [len(own) for own in ps] == [2, 0, 1]
    raw = significance.welch(np.array(HIGH), np.array(LOW)).p
    t = np.mean(HIGH) / (np.std(HIGH, ddof=1) / 2)
    single = several[2].run[0].p
    student = (math.atan(t / 3**0.5) + t / 3**0.5 / (1 + t * t / 3)) * 2 / math.pi  # of three degrees of freedom
    assert single == pytest.approx(1 - student, rel=1e-6)
    assert min(ps[0][0], ps[2][0]) == pytest.approx(3 * min(raw, single))
