"""The series in memory: rows come back as they went in, whatever happened between."""

import numpy as np
import pytest

from esmaml_mpi.results.history import GROUPS, History


def row(iteration, tasks=2):
    shares = {name: np.full((tasks, 3), 0.5) for name in ("success_before", "success_after")}
    returns = dict(before=np.full((tasks, 3), iteration), after=np.full((tasks, 3), -iteration))
    return dict(iteration=iteration, **returns, **shares)


def test_rows_come_back_in_order_and_with_their_types():
    history = History()
    for i in range(100):
        history.append("test", **row(i))
    assert history["test"]["iteration"].tolist() == list(range(100))
    assert history["test"]["after"].shape == (100, 2, 3) and history["test"]["after"][99, 1, 2] == -99.0
    for name, values in history["test"].items():
        assert values.dtype == np.dtype(GROUPS["test"][name].dtype)
    assert history["train"]["values"].shape == (0,)


def test_rows_that_are_taken_are_here_no_more_and_the_latest_is_known():
    history = History()
    for i in range(20):
        history.append("test", **row(i))
    taken = history.take()
    assert len(taken["test"]["iteration"]) == 20 and len(history["test"]["iteration"]) == 0
    assert history.latest("test", "iteration") == 19 and history.latest("train", "iteration") is None
    history.append("test", **row(20, tasks=2))
    taken.extend(history.take())
    assert taken["test"]["iteration"].tolist() == list(range(21)) and taken.latest("test", "iteration") == 20


def test_a_history_of_arrays_goes_on_where_they_end():
    history = History()
    for i in range(3):
        history.append("test", **row(i))
    arrays = {group: history[group] for group in GROUPS}
    again = History.from_arrays(arrays)
    again.append("test", **row(3))
    assert again["test"]["iteration"].tolist() == [0, 1, 2, 3] and len(arrays["test"]["iteration"]) == 3


def test_a_row_of_other_names_or_shapes_is_refused():
    history = History()
    history.append("test", **row(0))
    with pytest.raises(KeyError, match="a row of test has"):
        history.append("test", iteration=1)
    with pytest.raises(ValueError, match=r"a row of shape \(3, 3\) after rows of shape \(2, 3\)"):
        history.append("test", **row(1, tasks=3))
