"""The page on results files: every series from the schema, the rest from a run made for it."""

import numpy as np
from pieces import code, prose, table

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import make_algorithm
from esmaml_mpi.meta import kept_by
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.interface import MEANINGS
from esmaml_mpi.results.provenance import PACKAGES, collect
from esmaml_mpi.results.seal import FORMAT_VERSION, SIZE
from esmaml_mpi.trained import policy_file
from esmaml_mpi.training.state import State

INTRODUCTION = """\
A results file is HDF5. Anything that reads HDF5 can read it, at any time and whatever becomes of the run. The program
writes each new version whole beside the old one, and renames it over the old one. Nothing in it is a pickle.

- `esmaml_mpi.read_results` gives all of it as NumPy arrays.
- `esmaml info` prints a summary.
- `esmaml export` writes CSV, and event files for TensorBoard.

Row i of every series of a group belongs to `iteration[i]` of that group. Each dataset carries `unit`, `meaning` and
`row_shape` as attributes. In row shapes E is the number of evaluations per iteration, d that of the policy's
parameters, and n that of observations."""

STARTS = "Attributes of the latest start of the run, and in the groups `launch_0`, `launch_1`, ... those of each."
SEAL = f"""\
Behind the HDF5 data are {SIZE} bytes with a checksum of them, the seal. For HDF5 they belong to the file. A program
that opens a file to change it (h5py with `r+`, `pandas.HDFStore`) and changes nothing leaves it as it was.

A file that was changed is still HDF5. `esmaml info`, `report` and the pictures read it and say that it was changed. All
else refuses it until `esmaml info FILE --repair` has sealed it again.

Up to format 2 the seal stood before the data, in HDF5's user block. Such files are read, and go on as files of format
{FORMAT_VERSION}.

The axes of the series have names, as xarray and netCDF want them (HDF5's dimension scales): `iteration` everywhere,
`task_id` and `repeat` of tests, `evaluation`, `parameter` and `observation`. So
`xarray.open_dataset("run.h5", group="test")["after"].mean(("task_id", "repeat"))` is a learning curve."""

INTERFACE = """\
A program that acts with the policies finds here what it has to know, without the simulator or the family's file.
Datasets are left out where the family does not say. Files of earlier versions have no such group. Sizes are then worked
out from those of the parameters."""
INTERFACE_ROWS = [
    ["`observation_size`", "attribute", "numbers of an observation, n"],
    ["`action_size`", "attribute", "numbers of an action, m"],
    ["`rate`", "attribute", "actions a second; 0: the family has no clock"],
    [
        "`actions_scaled`",
        "attribute",
        "whether outputs of -1 and +1 stand for the bounds, where both are finite; else outputs are actions, clipped",
    ],
    *(
        [code(name), shape, MEANINGS[name]]
        for name, shape in zip(MEANINGS, ("(n,)", *("(m,)",) * 3, "text", "text"), strict=True)
    ),
]

GROUP_DOCS = {
    "train": "One row for each iteration.",
    "timing": "One row for each iteration: where rank 0's time went. Tests are in `evaluate` and `gather`.",
    "recovery": "One row each time that ranks died and the survivors went on.",
    "test": "One row for each test. `test/task_id` (tasks,) says which tasks they are. The attribute "
    "`rollouts_per_adaptation` of `after` says how many rollouts one adaptation takes.",
    "parameters": "One row for each test.",
    "normalization": "One row for each test: by what observations are normalised.",
}

# What the checkpoint's entries are: State.to_arrays names them.
CHECKPOINT_DOCS = {
    "iteration": "meta-updates done",
    "theta": "meta-parameters",
    "optimizer/velocity": "sgd with momentum: decayed sum of gradients",
    "optimizer/count": "Adam: steps made",
    "optimizer/first": "Adam: mean of gradients",
    "optimizer/second": "Adam: mean of squared gradients",
    "statistics/sums": "exact sums of observations, then of their squares, as fixed-point limbs",
    "statistics/count": "how many observations they are over",
    "memory/matrix": "remembered meta-gradients (n, d), decayed, for directions that use them",
    "memory/latest": "the latest meta-gradient",
    "memory/forgotten": "squared length of what was dropped from the memory",
    "unit_statistics/sums": "first order with local statistics: sums of each unit of work",
    "kept/sigma": "snes: the sigma of each parameter",
    "kept/theta": "zero_order_reuse: theta of the last iteration",
    "kept/values": "zero_order_reuse: what its evaluations returned",
    "kept/attempt": "zero_order_reuse: how often it had been drawn again; -1: there was none",
}

PROVENANCE_DOCS = {
    "launch_id": "a random name of this start",
    "started": "local time with its offset",
    "command": "the command line",
    "host": "rank 0's machine",
    "cpu": "its processor",
    "cpu_count": "its cores",
    "arithmetic": "a fingerprint of what the run's parts compute there: where it is another, last bits are",
    "kernels": "what computes policies and simple families: compiled kernels of an instruction set, or NumPy",
    "odd_ranks": "how many ranks have another one, as on nodes of several kinds",
    "platform": "its operating system",
    "python": "version",
    "ranks": "how many",
    "threads": "of each rank",
    "mpi_library": "as MPI names itself",
    "git_commit": "of the source tree, `+changes` if it was edited since; empty outside a checkout",
    "slurm_job": "job id, empty outside Slurm",
    "slurm_restarts": "how often Slurm has requeued it",
}


def page() -> str:
    """The whole page."""
    parts = ["# Results files", INTRODUCTION, f"`format_version` is {FORMAT_VERSION}."]
    for group, series in GROUPS.items():
        rows = [[code(name), each.row, _dtype(each.dtype), each.unit, each.meaning] for name, each in series.items()]
        parts += [f"## /{group}", prose(GROUP_DOCS[group]), table(["dataset", "row", "type", "unit", "meaning"], rows)]
    parts += ["## /config", "Attribute `toml`: the resolved configuration. `esmaml info RESULTS --config` prints it."]
    parts += ["## /interface", INTERFACE, table(["attribute or dataset", "", "meaning"], INTERFACE_ROWS)]
    parts += ["## /provenance", STARTS, _provenance()]
    parts += ["## /checkpoint", "What the next iteration depends on; `--resume` goes on from it.", _checkpoint()]
    parts += ["## The seal", SEAL, "## Policy files", prose(policy_file.__doc__)]
    return "\n\n".join(parts) + "\n"


def _provenance() -> str:
    facts = [name for name in collect(World(), 1) if not name.startswith("version_")]
    rows = [[code(name), PROVENANCE_DOCS[name]] for name in facts]
    packages = ", ".join(PACKAGES)
    rows.append([code("version_NAME"), f"of each package that is installed, of {packages}; - in names becomes _"])
    return table(["attribute", "meaning"], rows)


def _checkpoint() -> str:
    """Of a small run with every part of the checkpoint in use."""
    config = load({"meta": {"optimizer": "adam"}, "policy": {"hidden": []}}).resolved()
    state = State.initial(Experiment(config))
    gradient = np.ones(state.theta.size)
    state.optimizer.step(state.theta, gradient)
    state.memory.add(gradient)
    leaves = list(_leaves(state.to_arrays()))
    at = next(i for i, (path, _) in enumerate(leaves) if path.startswith("optimizer/"))
    leaves.insert(at, ("optimizer/velocity", np.empty(0)))  # of the other optimizer
    for name in ("snes", "zero_order_reuse"):
        algorithm = make_algorithm(load({"meta": {"algorithm": name}}).resolved())
        leaves += list(_leaves({"kept": kept_by(algorithm, state.theta.size)}))
    rows = [[code(path), _dtype(value.dtype.str[1:]), CHECKPOINT_DOCS[path]] for path, value in leaves]
    return table(["dataset", "type", "meaning"], rows)


def _leaves(tree: dict, prefix: str = ""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield prefix + name, np.asarray(value)


def _dtype(code: str) -> str:
    return {"i": "integer", "f": "float", "u": "unsigned", "b": "boolean"}[code[0]] + str(8 * int(code[1:]))
