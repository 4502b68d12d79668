"""Comparing results files bit for bit."""

import h5py
import numpy as np

# Everything that is a number of the run and not of the machine's speed.
SAME = [
    *(
        f"train/{name}"
        for name in ("iteration", "meta_value", "values", "failed_units", "redraws", "rollouts", "env_steps")
    ),
    *(f"train/{name}" for name in ("gradient_norm", "parameter_norm")),
    *("test/iteration", "test/task_id", "test/before", "test/after"),
    *("parameters/iteration", "parameters/value", "normalization/mean", "normalization/std", "normalization/count"),
    *("checkpoint/iteration", "checkpoint/theta", "checkpoint/statistics/count", "checkpoint/statistics/sums"),
]


def differences(a, b) -> list[str]:
    """Names of the datasets in which two files differ in any bit."""
    with h5py.File(a, "r") as one, h5py.File(b, "r") as other:
        return [name for name in SAME if one[name][()].tobytes() != other[name][()].tobytes()]


def iterations(path) -> int:
    """Iterations in a file, 0 if it does not exist yet; fails if it cannot be opened."""
    if not path.exists():
        return 0
    with h5py.File(path, "r", locking=False) as file:
        assert np.array_equal(file["train/iteration"][()], np.arange(file["checkpoint/iteration"][()]))
        return int(file["checkpoint/iteration"][()])
