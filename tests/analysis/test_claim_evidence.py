"""Claims: what counts as evidence, how it is tested and which of it is shown, on made-up runs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_claims import HIGH, LOW, WIDE, judged, made, part, summary

pytestmark = pytest.mark.usefixtures("scripts")


def test_a_part_that_lacks_seeds_has_no_verdict_yet():
    from claims_page import page
    from verdicts.judged import adjusted

    (points, runs), other = made("paper", "a", HIGH), made("paper", "b", LOW)
    planned = [replace(point, seeds=[0, 1, 2, 3, 4]) for point in points]
    one = judged(summary((planned, runs), other), part(), part("b", ""))
    first, second = one.run
    assert (first.missing, second.missing) == (1, 0) and first.verdict == "agrees"
    assert one.own == [second] and one.deciding is second and one.so_far
    (ps,) = adjusted([one])
    assert np.isnan(ps[0]) and ps[1] == second.p
    row = page.row(first, ps[0])
    assert row[2] == "4 and 4, 1 to come" and row[-1] == "-"
    assert judged(summary((planned, runs), other), part()).verdict == "not run"


def test_words_say_whether_parts_are_left():
    from claims_page import page

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    assert page.said(judged(found, part(), part(against="x"))) == "agrees so far"
    assert page.said(judged(found, part(), part(against="x", beside=True))) == "agrees"
    assert page.said(judged(found, part(against="c"), part(against="x"))) == "not resolved"
    section = page.section(judged(found, part(), part(against="x"), part("x", beside=True)), [0.01], {})
    assert "**Agrees so far** (2 parts: 1 agrees, 1 not run)" in section[1]
    assert section[-1] == "Not run: first against second (`configs/e.toml`, paper); 1 part beside."


def test_the_part_that_decides_is_shown():
    from claims_page import page

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    open_, no, yes = part(against="c"), replace(part(claimed="below"), about="no"), replace(part(), about="yes")
    assert judged(found, open_, no).deciding.part is no
    assert judged(found, open_, yes, no).deciding.part is yes
    assert judged(found, yes, open_).deciding.part is open_
    assert judged(found, replace(yes, beside=True), part(against="x")).deciding is None
    shown = judged(found, part(claimed="nothing"))
    assert shown.deciding is shown.run[0]
    assert page.effect(judged(found, open_, no)).startswith("no: 9.700 [")  # 11.125 less 1.425


def test_computed_numbers_make_no_claim_stand_that_runs_are_made_for():
    from claims_page import page
    from papers.parts import Computed

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW))
    holds = (Computed("one", lambda: (2.0, 1.0), "above"),)
    one, alone = judged(found, part(), computed=holds), judged(found, computed=holds)
    assert page.standing(one, [0.2]) == "0 of 1" and page.standing(one, [0.01]) == "1 of 1"
    assert page.standing(alone, []) == "1 of 1"
    assert "Of 2 claims 2 were run or computed. Of 1 " in page.tally([one, alone], [[0.2], []])


def test_without_spread_seeds_can_tell_what_ranks_can():
    from claims_page import page

    found = summary(made("paper", "a", [5.0] * 5), made("paper", "b", [4.0] * 5), made("paper", "c", [0.1] * 5))
    (alone,) = judged(found, part(against="", threshold=4.5)).run
    assert alone.p == 2 / 2**5 and alone.verdict == "agrees" and not page.stands(alone, alone.p)
    (pair,) = judged(found, part()).run
    assert pair.p == pytest.approx(2 / 252)  # ways to choose 5 of 10, and their mirror images
    (same,) = judged(found, part("c", "", threshold=0.1)).run
    assert same.alike and same.p == 1 and np.isnan(same.effect) and same.interval == (0, 0)


def test_what_two_claims_share_is_adjusted_for_once():
    from verdicts.judged import adjusted

    sides = (made("paper", name, values) for name, values in zip("abcd", (HIGH, LOW, WIDE, HIGH), strict=True))
    found = summary(*sides)
    several = [judged(found, part(), part(against="c")), judged(found, replace(part(), about="again"))]
    ps = adjusted(several)
    first, second = several[0].run
    assert ps == [[2 * first.p, second.p], [2 * first.p]]
    several.append(judged(found, part("b", "a", claimed="below")))  # the same, turned round
    assert adjusted(several) == [[2 * first.p, second.p], [2 * first.p], [2 * first.p]]
    several.append(judged(found, part(claimed="below")))  # of the same numbers, another claim
    assert adjusted(several)[0][0] == 3 * first.p
    several.append(judged(found, part("d")))  # other runs, whose numbers happen to be the same
    assert adjusted(several)[0][0] == 4 * first.p
    elsewhere = (
        made("paper", f"{name}{name}", values, "f", f"e/paper/{name}") for name, values in (("a", HIGH), ("b", LOW))
    )
    shared = replace(part(), experiment="f", points=("aa",), against=("bb",))  # the first, in another experiment
    several.append(judged(summary(*elsewhere), shared))
    assert adjusted(several)[0][0] == 4 * first.p == adjusted(several)[-1][0]


def test_tasks_in_other_units_weigh_as_much():
    large = made("paper", "a", [100.0, 300.0]), made("paper", "b", [200.0, 200.0])
    small = made("paper", "c", [1.0, 1.0]), made("paper", "d", [2.0, 4.0])
    (evidence,) = judged(summary(*large, *small), part("ac", "bd", scaled=True)).run
    assert evidence.a == pytest.approx([(0.5 + 0.5) / 2, (1.5 + 0.5) / 2])
    assert evidence.b == pytest.approx([(1 + 1) / 2, (1 + 2) / 2])
    mixed = made("paper", "a", [100.0, -300.0]), made("paper", "b", [200.0, 200.0])
    (evidence,) = judged(summary(*mixed), part(scaled=True)).run
    assert evidence.a == pytest.approx([0.5, -1.5])  # of the sizes' mean, whatever the signs


def test_where_training_has_gained_nothing_there_is_no_margin():
    found = summary(made("paper", "a", HIGH), made("paper", "b", [-5.0, -6.0, -4.0]))
    (evidence,) = judged(found, part(claimed="not below", margin=0.3)).run
    assert evidence.margin == 0.0


@pytest.mark.parametrize(
    "quantity, value",
    [
        ("first", -4.0),
        ("progress", -96.0),
        ("loss", 2.0),
        ("rise", -48.0),
        ("found_gained", 0.5),
        ("found_first", 0.25),
    ],
)
def test_quantities_that_look_at_the_start(quantity, value):
    from verdicts.quantities import QUANTITIES, Course

    _, (run,) = made("paper", "a", [0.0], after=[-4.0, -100.0], found=[0.25, 0.75])
    assert QUANTITIES[quantity].of(Course(run, "iteration", 10)) == pytest.approx(value)
    rewarded = replace(run, series=run.series | {"after": [-4.0, 3.0]})
    assert np.isnan(QUANTITIES["loss"].of(Course(rewarded, "iteration", 10)))


def test_curves_of_a_difference_are_differences():
    from claims_page import curves

    def runs(point, values):
        return made("paper", point, values)[1]

    x, values = curves.curves([runs("a", [9.0, 5.0])], "iteration", "after", [runs("b", [2.0, 3.0])])
    assert x.tolist() == [0, 10] and values.tolist() == [[0, 7], [0, 2]]
    unadapted = made("paper", "a", [9.0, 5.0], before=[1.0, 2.0])[1]
    assert curves.curves([unadapted], "iteration", "gain")[1].tolist() == [[-1, 7], [-1, 3]]
    many = curves.curves([runs("a", [9.0, 5.0]), runs("b", [1.0, 3.0])], "iteration", "after")[1]
    assert many[:, -1].tolist() == [5, 4]


def test_gains_are_those_of_the_named_robots():
    from verdicts.runs import _gains

    after = np.arange(24.0).reshape(2, 4, 3)
    rows = {"after": after, "before": np.array([0.0, 1.0, 2.0, 3.0])[:, None] * np.ones((2, 4, 3))}
    results = SimpleNamespace(history={"test": rows}, test_task_ids=[53, 50, 51, 52])  # the slippery floor first
    found = _gains(results, 50)
    assert found["gain_slippery"].tolist() == [1.0, 13.0]
    assert found["gain_loaded"].tolist() == [(7 - 2 + 10 - 3) / 2, (19 - 2 + 22 - 3) / 2]
    nothing = _gains(SimpleNamespace(history={"test": rows}, test_task_ids=[1, 2, 3, 4]), 50)
    assert np.isnan(nothing["gain_loaded"]).all()


def test_what_is_taken_at_the_end_says_so():
    from claims_page import page

    slow = made("paper", "a", [3.0, 5.0], iteration=[0, 40], rollouts=[0, 200])
    one = judged(summary(slow, made("paper", "b", [1.0, 2.0])), part(at="rollouts", quantity="end"))
    assert page.row(one.run[0], 0.5)[1] == "paper, each at its end, 10 or 40 iterations"
