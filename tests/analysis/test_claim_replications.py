"""Replications: fresh seeds and nothing else, written down beforehand; what they say counts when all of it is there."""

from dataclasses import replace

import pytest
from made_claims import HIGH, LOW, WIDE, judged, made, part, summary

pytestmark = pytest.mark.usefixtures("scripts")

AGAIN = "paper_replication"


def twice(claimed="above"):
    from papers import replications

    first = part(claimed=claimed)
    return first, replications.replication(first)


def planned(found, point, size, seeds):
    """The summary with seeds for a point of the experiment file."""
    points = [replace(p, seeds=seeds) if (p.name, p.size) == (point, size) else p for p in found.points]
    return replace(found, points=points)


def test_a_replication_has_its_parts_say():
    from claims_page import page
    from verdicts.judged import adjusted

    first = made("paper", "a", WIDE), made("paper", "b", LOW)
    found = summary(*first, made(AGAIN, "a", HIGH), made(AGAIN, "b", LOW))
    one = judged(found, *twice())
    assert [each.verdict for each in one.run] == ["not resolved", "agrees"]
    assert (one.verdict, page.counts(one), one.so_far) == ("agrees", "", False)
    assert one.drawn == [one.run[1]]
    assert one.deciding is one.run[1] and one.deciding.part.about == "first against second, replication"
    ps = adjusted([one])  # what the first seeds said is a test too
    assert min(ps[0]) == pytest.approx(2 * min(each.p for each in one.run))
    assert page.overview([one], ps, {}).rows[0][4] == "1 of 1"
    high = made("paper", "c", HIGH)
    other = judged(summary(*first, high, made(AGAIN, "a", HIGH), made(AGAIN, "b", LOW)), *twice(), part("b", "c"))
    assert (other.verdict, page.counts(other)) == ("divided", " (2 parts: 1 agrees, 1 disagrees)")


def test_a_replication_says_nothing_before_it_has_all_its_seeds():
    from claims_page import page

    first = made("paper", "a", HIGH), made("paper", "b", LOW)
    begun = planned(summary(*first, made(AGAIN, "a", LOW), made(AGAIN, "b", HIGH)), "a", AGAIN, [0, 1, 2, 3, 4])
    for found in (summary(*first), begun):
        one = judged(found, *twice())
        assert (one.verdict, page.counts(one), one.so_far) == ("agrees", "", False)
        assert one.deciding is one.run[0] and one.drawn == [one.run[0]]
    alone = judged(summary(made(AGAIN, "a", HIGH), made(AGAIN, "b", LOW)), *twice())
    assert (alone.verdict, alone.so_far) == ("agrees", False)


def test_a_run_belongs_where_its_seed_is_planned():
    from verdicts.runs import places_of
    from verdicts.summary import Point

    def point(experiment, size, seeds):
        return Point(experiment, size, "a", "digest", 10, seeds)

    points = [point("e", "paper", [0, 1]), point("e", AGAIN, [2, 3]), point("f", "paper", [0, 1])]
    assert places_of("digest", 1, 10, points) == ["e/paper/a", "f/paper/a"]
    assert places_of("digest", 2, 10, points) == [f"e/{AGAIN}/a"]
    # Of a seed that nobody names, as of somebody's own runs.
    assert places_of("digest", 9, 10, points) == ["e/paper/a", f"e/{AGAIN}/a", "f/paper/a"]
    assert places_of("other", 1, 10, points) == []


def test_fresh_seeds_and_nothing_else():
    pytest.importorskip("mujoco")
    from claim_list import CLAIMS
    from papers.replications import SUFFIX, is_replication
    from verdicts.points import points_of

    parts = [tested for claim in CLAIMS for tested in claim.parts]
    again = [tested for tested in parts if is_replication(tested)]
    assert len(again) == 48
    firsts = [replace(t, size=t.size.removesuffix(SUFFIX), about=t.about.removesuffix(", replication")) for t in again]
    assert all(first in parts for first in firsts)
    wanted = {(t.experiment, t.size, name) for t in (*again, *firsts) for name in t.named}
    points = {point.place: point for point in points_of(wanted, pytest.fail)}
    for tested, first in zip(again, firsts, strict=True):
        for name in tested.named:
            fresh, old = (points[f"{t.experiment}/{t.size}/{name}"] for t in (tested, first))
            assert (fresh.config, fresh.iterations) == (old.config, old.iterations)
            assert len(fresh.seeds) >= 10 and old.seeds == [0, 1, 2, 3, 4] and not set(fresh.seeds) & set(old.seeds)
