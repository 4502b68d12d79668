"""The axes of the series in a results file, named as other programs name them: HDF5's dimension scales.

xarray makes dimensions and coordinates of them, netCDF too. Our own reader passes over them.
"""

import h5py
import numpy as np

from esmaml_mpi.results.history import GROUPS

# Letter of an axis, as in ``Series.row`` -> the dataset in the same group that counts along it, and what it counts.
COUNTED = {
    "E": ("evaluation", "evaluations of an iteration, in order"),
    "d": ("parameter", "meta-parameters"),
    "n": ("observation", "observations that the policy is given"),
    "repeats": ("repeat", "adaptations to one task"),
}
TASKS = "task_id"  # that of the axis "tasks", which is there in any case
NAMES = (TASKS, *(name for name, _ in COUNTED.values()))
ATTRIBUTES = (b"DIMENSION_LIST", b"REFERENCE_LIST")  # in which HDF5 keeps which scale belongs to which axis


def name_axes(file: h5py.File) -> None:
    """Make the scales of a file that has all its series, and attach them."""
    for group, series in GROUPS.items():
        into = file[group]
        for name, about in series.items():
            if name != "iteration":
                letters = ("iteration", *about.letters)  # without rows a series has the first axis alone
                for axis, letter, length in zip(into[name].dims, letters, into[name].shape, strict=False):
                    axis.attach_scale(_scale(into, letter, length))


def _scale(group: h5py.Group, letter: str, length: int) -> h5py.Dataset:
    name, meaning = COUNTED.get(letter, (TASKS if letter == "tasks" else letter, ""))
    if name not in group:
        counts = group.create_dataset(name, data=np.arange(length, dtype=np.int64))
        counts.attrs.update(unit="", meaning=f"number of each of the {meaning}", row_shape="()")
    if not group[name].is_scale:
        group[name].make_scale(name)
    return group[name]
