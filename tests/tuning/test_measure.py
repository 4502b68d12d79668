"""What is measured of a run that is tuned."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from esmaml_mpi.tuning import measure


def test_adaptations_that_failed_are_counted_and_left_out(monkeypatch):
    after = np.array([[[-9.0, -9.0]], [[-1.0, np.nan]], [[np.inf, np.nan]], [[-2.0, -4.0]]])
    test = {"iteration": np.array([0, 4, 8, 12]), "after": after}
    train = {"rollouts": np.array([3, 4]), "seconds": np.array([0.5, 1.0])}
    monkeypatch.setattr(measure, "read", lambda path: SimpleNamespace(history={"test": test, "train": train}))
    course = measure.course_of(Path("run.h5"))
    assert course.failed == [1, 2, 0] and (course.rollouts, course.seconds) == (7, 1.5)
    assert course.tests[::2] == [-1.0, -3.0] and np.isnan(course.tests[1])
    assert course.ending(1) == (-3.0, 0) and measure.Course([-4.0, -1.0], [1, 2], 7, 1.5).ending(2) == (-2.5, 3)


def test_of_two_means_that_with_fewer_failures_is_the_better():
    careful, daring = measure.Mean.of([-9.0, -7.0], 0), measure.Mean.of([-2.0, -1.0], 1)
    assert sorted([daring, careful, measure.Mean.of([-5.0, -4.0], 0)], key=lambda mean: mean.rank)[1:] == [
        careful,
        daring,
    ]
    assert (str(careful), str(daring)) == ("-8.00 +- 1.00 (2 seeds)", "-1.50 +- 0.50 (2 seeds, 1 failed)")
