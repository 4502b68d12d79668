"""Claims: the rule of verdicts, on made-up runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made_claims import HIGH, LOW, WIDE, judged, made, part, summary

pytestmark = pytest.mark.usefixtures("scripts")


def test_verdict_is_by_the_side_of_the_interval():
    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    cases = {"agrees": part(), "disagrees": part(claimed="below"), "not resolved": part(against="c")}
    for verdict, tested in cases.items():
        assert judged(found, tested).verdict == verdict
    assert judged(found, part("b", "a", claimed="below")).verdict == "agrees"
    assert judged(found, part(against="x")).verdict == "not run"
    assert judged(found, part(size="medium")).verdict == "not run"
    assert judged(found).verdict == "not run"


def test_threshold_is_subtracted_and_one_seed_resolves_nothing():
    found = summary(made("paper", "a", HIGH), made("paper", "b", [99.0]))
    assert judged(found, part(against="", threshold=9.0)).verdict == "agrees"
    assert judged(found, part(against="", threshold=11.0)).verdict == "not resolved"
    assert judged(found, part(against="", threshold=13.0)).verdict == "disagrees"
    assert judged(found, part("b", "")).verdict == "not resolved"
    assert judged(found, part("a", "b")).verdict == "not resolved"


def test_equality_is_tested_and_not_inferred_from_a_missing_difference():
    near = [9.9, 11.1, 12.0, 11.4]
    found = summary(
        made("paper", "a", HIGH), made("paper", "b", near), made("paper", "c", WIDE), made("paper", "d", LOW)
    )
    # The margin is a share of what training has gained on the other side, here from 0 to the mean.
    equal = judged(found, part(claimed="equal", margin=0.3)).run[0]
    assert equal.margin == pytest.approx(0.3 * np.mean(near)) and equal.verdict == "agrees" and equal.p < 0.05
    assert judged(found, part(claimed="equal", margin=0.02)).verdict == "not resolved"
    assert judged(found, part(against="c", claimed="equal", margin=0.3)).verdict == "not resolved"
    assert judged(found, part(against="d", claimed="equal", margin=0.3)).verdict == "disagrees"


def test_neither_below_nor_above_by_more_than_the_margin():
    from significance import welch

    near = [9.9, 11.1, 12.0, 11.4]
    found = summary(made("paper", "a", HIGH), made("paper", "b", near), made("paper", "d", LOW))
    for claimed, sign in (("not below", 1), ("not above", -1)):
        one = judged(found, part(claimed=claimed, margin=0.3))
        shifted = np.array(HIGH) + sign * 0.3 * np.mean(near)
        assert one.verdict == "agrees" and one.run[0].p == pytest.approx(welch(shifted, np.array(near)).p)
        assert judged(found, part(claimed=claimed, margin=0.02)).verdict == "not resolved"
    assert judged(found, part(against="d", claimed="not below", margin=0.1)).verdict == "agrees"
    assert judged(found, part(against="d", claimed="not above", margin=0.1)).verdict == "disagrees"
    assert judged(found, part("d", "a", claimed="not below", margin=0.1)).verdict == "disagrees"


def test_exactly_is_so_in_every_seed_and_nothing_is_not_judged():
    found = summary(made("paper", "a", [0.0] * 3), made("paper", "b", [0.0, 0.0, 1e-9]))
    assert judged(found, part(against="", claimed="exactly")).verdict == "agrees"
    assert judged(found, part("b", "", claimed="exactly")).verdict == "disagrees"
    assert judged(found, part(claimed="nothing")).verdict == "shown, nothing is claimed"


def test_claim_agrees_if_all_parts_that_were_run_do():
    from claims_page import page

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    yes, no, open_, gone = part(), part(claimed="below"), part(against="c"), part(against="x")
    for parts, verdict, counts in (
        ((yes, yes), "agrees", ""),
        ((yes, gone), "agrees", " (2 parts: 1 agrees, 1 not run)"),
        ((yes, open_), "not resolved", " (2 parts: 1 agrees, 1 not resolved)"),
        ((yes, no, open_), "divided", " (3 parts: 1 agrees, 1 disagrees, 1 not resolved)"),
        ((no, open_), "disagrees", " (2 parts: 1 disagrees, 1 not resolved)"),
        ((yes, replace(no, beside=True)), "agrees", ""),
    ):
        one = judged(found, *parts)
        assert (one.verdict, page.counts(one)) == (verdict, counts)


def test_computed_numbers_have_a_say():
    from papers.parts import Computed

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW))
    holds, fails = Computed("one", lambda: (2.0, 1.0), "above"), Computed("two", lambda: (1e-9, 0.0))
    assert judged(found, computed=(holds,)).verdict == "agrees"
    assert judged(found, part(), computed=(holds, fails)).verdict == "divided"
    assert judged(found, computed=(fails,)).verdict == "disagrees"
    assert judged(found, part(against="x"), computed=(holds,)).verdict == "not run"


def test_interval_is_the_wider_of_bootstrap_and_welch():
    import bootstrap
    import intervals

    a, b = np.array([5.0, 6.0, 9.0]), np.array([4.9, 1.0, 3.0])
    (evidence,) = judged(summary(made("paper", "a", a), made("paper", "b", b)), part()).run
    # Both variances over 3, Welch's degrees of freedom, and Student's 97.5 % quantile of 3.9979 of them.
    squares = np.array([13 / 9, 3.8033333 / 3])
    freedom = squares.sum() ** 2 / (squares**2 / 2).sum()
    assert freedom == pytest.approx(3.983, abs=1e-3)
    low, high = intervals.welch(a, b)
    assert (low + high) / 2 == pytest.approx(a.mean() - b.mean())
    assert (high - low) / 2 == pytest.approx(2.7804 * np.sqrt(squares.sum()), rel=1e-3)
    assert bootstrap.difference_interval(a, b)[0] > 0  # of three seeds the extremes bound it
    assert evidence.interval[0] == low < 0 and evidence.verdict == "not resolved"
    assert evidence.interval[1] >= max(high, bootstrap.difference_interval(a, b)[1])


def test_points_of_a_side_are_averaged_over_the_seeds_that_all_have():
    found = summary(made("paper", "a", [1.0, 2.0, 3.0]), made("paper", "c", [5.0, 8.0]), made("paper", "b", [0.0, 1.0]))
    (evidence,) = judged(found, part("ac", "b")).run
    assert evidence.a.tolist() == [3.0, 5.0] and evidence.difference == 3.5
    (less,) = judged(found, part("c", "b", less=("a",), against_less=("c",))).run
    assert less.a.tolist() == [4.0, 6.0] and less.b.tolist() == [-5.0, -7.0]


def test_scatter_is_the_test_of_spreads_by_brown_and_forsythe():
    from scipy.stats import levene

    a, b = [1.0, 4.0, 9.0, -3.0, 2.0], [2.0, 2.1, 1.9, 2.4, 2.2]
    (evidence,) = judged(summary(made("paper", "a", a), made("paper", "b", b)), part(quantity="scatter")).run
    assert evidence.a.tolist() == [1.0, 2.0, 7.0, 5.0, 0.0]
    t = evidence.difference / np.sqrt(evidence.a.var(ddof=1) / 5 + evidence.b.var(ddof=1) / 5)
    assert t**2 == pytest.approx(levene(a, b, center="median").statistic)


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
    between = made("paper", "b", [2.0] * 2, iteration=[0, 15], after=[0.0, 3.0])  # none that both have tested at
    (shared,) = judged(summary(slow, between), part()).run
    assert shared.instant == 15 and shared.a == pytest.approx(8 + 8 * 10 / 15)
    (progress,) = judged(summary(slow), part(against="", quantity="progress")).run
    assert progress.a.tolist() == [15.0, 15.0]
    (end,) = judged(found, part(at="rollouts", quantity="end")).run
    assert end.a.tolist() == [16.0, 16.0]
    slow = made("paper", "a", [0.0] * 2, iteration=[0, 5, 20], rollouts=late, after=early, goals=[0.0, 1.0, 6.0])
    other = made("paper", "b", [2.0, 2.0], goals=[0.0, 3.0])
    (goals,) = judged(summary(slow, other), part(at="rollouts", quantity="goals")).run
    assert goals.a.tolist() == [6.0, 6.0]


@pytest.mark.parametrize(
    "quantity, value",
    [
        ("speed", (3 + 5 + 2 + 3) / 4),  # trapezia of 0, 6, 4, 0, 6
        ("kept", 0.0),
        ("fall", 6.0),
        ("fell", 0.0),
        ("cost", 20.0),
    ],
)
def test_quantities_of_a_course(quantity, value):
    from verdicts.quantities import QUANTITIES, Course

    series = dict(iteration=[0, 1, 2, 3, 4], rollouts=[0, 10, 20, 30, 40], seconds=[0.0, 0.2, 0.4, 0.6, 0.8])
    _, (run,) = made("paper", "a", [0.0], **series, after=[0.0, 6.0, 4.0, 0.0, 6.0], before=[0.0] * 5)
    assert QUANTITIES[quantity].of(Course(run, "rollouts", 40)) == pytest.approx(value)
    assert QUANTITIES["fell"].of(Course(run, "rollouts", 30)) == 0
    late = replace(run, series=run.series | {"after": [0.0, 6.0, 1.0, 4.0, 5.0]})
    assert QUANTITIES["kept"].of(Course(late, "rollouts", 40)) == 4.0  # of the last quarter alone
    below = replace(run, series=run.series | {"after": [1.0, 6.0, 4.0, 0.5, None]})
    assert QUANTITIES["fell"].of(Course(below, "rollouts", 30)) == 1


@pytest.mark.parametrize(
    "at, own, other",
    [
        ("iteration", [0], [0, 4, 8]),  # of untrained policies nothing is claimed
        ("iteration", [0, 3], [5, 8]),
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


def test_overview_tells_how_many_parts_stand_after_adjustment():
    from claims_page import page

    near = summary(made("paper", "a", [3.0, 5.0, 4.0]), made("paper", "b", [1.0, 2.2, 0.6]), made("paper", "c", HIGH))
    one = judged(near, part(), part("c", "b"), part("b", "a", claimed="below", beside=True))
    assert [each.verdict for each in one.run] == ["agrees"] * 3
    (row,) = page.overview([one], [[0.06, 0.001, 0.001]], {1: "c.png"}).rows
    assert row[2] == "**agrees**" and row[4:] == ("1 of 2", "3 or 4", "paper", "[curves](c.png)")
    assert row[3].startswith("first against second: 2.733 [") and "g = " in row[3]
    nothing = page.overview([judged(near)], [[]], {}).rows[0]
    assert nothing[2:] == ("**not run**", "-", "-", "-", "-", "-")


def test_p_is_adjusted_for_all_parts_of_all_claims():
    import significance
    from verdicts.judged import adjusted

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    several = [judged(found, part(), part(against="c")), judged(found), judged(found, part(against=""))]
    ps = adjusted(several)
    assert [len(own) for own in ps] == [2, 0, 1]
    raw = significance.welch(np.array(HIGH), np.array(LOW)).p
    t = np.mean(HIGH) / (np.std(HIGH, ddof=1) / 2)
    single = several[2].run[0].p
    student = (math.atan(t / 3**0.5) + t / 3**0.5 / (1 + t * t / 3)) * 2 / math.pi  # of three degrees of freedom
    assert single == pytest.approx(1 - student, rel=1e-6)
    assert min(ps[0][0], ps[2][0]) == pytest.approx(3 * min(raw, single))
    several.append(judged(found, part(claimed="below", beside=True)))
    with_beside, all_of_them = adjusted(several), adjusted(several, beside=True)
    assert with_beside[:3] == ps and np.isnan(with_beside[3]).all()
    assert min(own[0] for own in all_of_them if own) == pytest.approx(4 * min(raw, single))
