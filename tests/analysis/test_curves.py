"""Averages over seeds: common iterations, equal cost, bands."""

import numpy as np
import pytest
from made_up import like, only_end, train

pytestmark = pytest.mark.usefixtures("scripts")


def average(runs, notes, metric="after", x="iteration"):
    from curves import average
    from groups import group

    (only,) = group(runs, notes.append)
    return average(only, metric, x, notes.append)


def test_stops_at_the_shortest_run(runs, notes, tmp_path):
    longer = train(tmp_path / "longer.h5", "run.seed=1", "meta.iterations=6")
    curve = average([longer, runs["k4_2"]], notes)
    assert curve.x.tolist() == [0, 2, 4] and curve.seeds == 2
    assert "as far as iteration 4" in notes[0]


def test_failed_rollouts_leave_the_mean(runs, notes):
    after = runs["k4_1"].history["test"]["after"]
    after[-1, 0, 0] = np.nan
    curve = average([like(runs["k4_1"], 1, test={"after": after})], notes)
    assert curve.mean[-1] == pytest.approx(np.nanmean(after[-1]))
    assert "1 test returns are missing" in notes[0]


def test_a_seed_without_any_result_is_left_out_of_its_row(runs, notes):
    failed = like(runs["k4_1"], 1, test={"after": [1.0, np.nan, 5.0]})
    curve = average([failed, like(runs["k4_1"], 2, test={"after": [3.0, 4.0, 9.0]})], notes)
    assert curve.mean.tolist() == [2.0, 4.0, 7.0]
    assert [edge.tolist() for edge in curve.band("range")] == [[1.0, 4.0, 5.0], [3.0, 4.0, 9.0]]
    assert curve.row(1).tolist() == [4.0]


def test_mean_at_equal_cost(runs, notes):
    """The slower seed had 0, 4, 8 at 0, 2, 4 seconds, the faster one the same at half of that."""
    slow = like(runs["k4_1"], 1, test={"after": [0.0, 4.0, 8.0]}, train={"seconds": np.ones(4)})
    fast = like(runs["k4_1"], 2, test={"after": [0.0, 4.0, 8.0]}, train={"seconds": np.full(4, 0.5)})
    curve = average([slow, fast], notes, x="seconds")
    assert curve.x.tolist() == [0.0, 1.0, 2.0]
    assert curve.values.tolist() == [[0.0, 2.0, 4.0], [0.0, 4.0, 8.0]]


def test_equal_costs_are_not_interpolated_and_gaps_are_bridged(scripts):
    from curves import at_equal_cost

    costs, values = at_equal_cost([np.arange(3.0)] * 2, [np.array([1.0, 5.0, 2.0]), np.array([1.0, np.nan, 3.0])])
    assert costs.tolist() == [0.0, 1.0, 2.0] and values.tolist() == [[1.0, 5.0, 2.0], [1.0, 2.0, 3.0]]
    _, values = at_equal_cost([np.arange(2.0)], [np.array([np.nan, 2.0])])
    assert np.isnan(values[0, 0]) and values[0, 1] == 2


def test_runs_without_an_equal_cost_are_an_error(runs, notes):
    """As with test.every = 0: each is tested once, at a second of its own."""
    from esmaml_mpi.errors import UserError

    ends = [only_end(runs["k4_1"], seed, seconds) for seed, seconds in ((1, 1.0), (2, 2.0))]
    assert average(ends, notes).x.tolist() == [4]
    with pytest.raises(UserError, match=r"no wall-clock time \(s\) in common: .* from 4 to 4, .* from 8 to 8"):
        average(ends, notes, x="seconds")


def test_bands(scripts):
    from bands import describe, edges

    values = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
    assert [edge.item() for edge in edges(values, "iqr")] == [2.0, 4.0]
    assert [edge.item() for edge in edges(values, "range")] == [1.0, 5.0]
    low, high = edges(values, "ci")
    assert 1 < low[0] < 2 < 4 < high[0] < 5
    assert describe("iqr", [1, 3]) == "band: quartiles over seeds"
    assert describe("ci", [5, 3]).endswith("(3 seeds cannot give more than 75 %)")
    assert (
        describe("ci", [6]) == "band: 95 % bootstrap interval of the mean over seeds" and describe("ci", [1, 1]) == ""
    )


def test_costs_are_those_of_the_updates_before(runs, scripts):
    import series

    train = runs["k4_1"].history["train"]
    spent = series.cost(runs["k4_1"], np.array([0, 2, 4]), "rollouts")
    assert spent.tolist() == [0, train["rollouts"][:2].sum(), train["rollouts"].sum()]
    assert spent[1] == 2 * 10 * 4 * (4 + 1 + 1)  # iterations, evaluations, tasks, queries with pivot and final score
