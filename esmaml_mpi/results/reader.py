"""Reading results files, of running jobs too. Nothing in a file is executed."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import inferred_interface, make_policy
from esmaml_mpi.errors import ResultsError, in_words
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.results.history import GROUPS, History
from esmaml_mpi.results.interface import GROUP, found
from esmaml_mpi.results.seal import SESSION_KIND, check_seal
from esmaml_mpi.results.structure import Mismatch, checked
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.interface import Interface


@dataclass
class Results:
    """A run in memory:

    config, history, checkpoint tree, test task ids, provenance of each launch, and its file if it has one.
    ``interface`` is what its policies take and give: of an older file sizes alone, which follow from the parameters.
    ``unknown_series`` are those of the file that this version does not know: a newer one has written it.
    """

    path: Path | None
    config: Config
    history: History
    checkpoint: dict
    test_task_ids: list[int]
    launches: list[dict]
    interface: Interface
    unknown_series: tuple[str, ...] = ()

    @property
    def _name(self) -> str:
        return "the run in memory" if self.path is None else str(self.path)

    def check_fits(self, policy: AnyPolicy) -> None:
        """Raise ResultsError unless the parameters are those of such a policy: task families change their sizes."""
        d, n = self.checkpoint["theta"].size, len(self.checkpoint["statistics"]["sums"]) // 2
        if (d, n) != (policy.size, policy.observation_size):
            raise ResultsError(
                f"{self._name} holds policies of {d} parameters for {n} observations, but with its configuration "
                f"{self.config.task.name} now makes policies of {policy.size} parameters for "
                f"{policy.observation_size} observations: the task family has changed since."
            )

    def parameters(self, at: str | int = "last") -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Iteration, theta (d,), observation mean and std (n,):

        "last", "best" (highest mean test reward after adaptation), or an iteration.
        """
        rows, normalization = self.history["parameters"], self.history["normalization"]
        iterations = rows["iteration"].tolist()
        if not iterations:
            raise ResultsError(f"{self._name} holds no parameters yet.")
        if at == "best":
            test = self.history["test"]
            scores = [np.mean(row[np.isfinite(row)]) if np.isfinite(row).any() else -np.inf for row in test["after"]]
            if max(scores, default=-np.inf) == -np.inf:
                raise ResultsError(
                    f"{self._name} has no test that succeeded, so no best parameters; use last or an iteration."
                )
            at = int(test["iteration"][np.argmax(scores)])
        elif at == "last":
            at = int(iterations[-1])
        if isinstance(at, str) or at not in iterations:
            raise ResultsError(f"{self._name} has no parameters of iteration {at}; it has {_ranges(iterations)}.")
        row = iterations.index(at)
        return at, rows["value"][row], normalization["mean"][row], normalization["std"][row]


def read(path: str | PathLike) -> Results:
    """Load a results file; ResultsError says what is wrong with it if it is not one."""
    if not isinstance(path, str | PathLike):
        raise ResultsError(f"results file {show(path)}: a path is wanted.")
    path = Path(path)
    try:
        if not path.is_file():
            raise ResultsError(f"results file {path} {'is not a file' if path.exists() else 'does not exist'}.")
        check_seal(path)
        with h5py.File(path, "r", locking=False) as file:
            return _load(path, file)
    except ResultsError:
        raise
    except OSError as error:
        raise ResultsError(f"cannot read results file {path}: {error.strerror or in_words(error)}.") from error
    except Exception as error:  # h5py raises almost anything on content that it did not expect
        raise ResultsError(f"cannot read {path}: it is not as a results file should be: {in_words(error)}.") from error


def _load(path: Path, file: h5py.File) -> Results:
    if file.attrs.get("kind") == SESSION_KIND:
        raise ResultsError(f"{path} is a session of `esmaml adapt --session`, and a training run's file is wanted.")
    config = Config.from_toml(file["config"].attrs["toml"])
    arrays = {group: _series(file, group) for group in GROUPS}
    launches = [
        {k: v.item() if hasattr(v, "item") else v for k, v in file[f"provenance/launch_{i}"].attrs.items()}
        for i in range(len(file["provenance"]))
    ]
    checkpoint, task_ids = _get(file["checkpoint"]), file["test/task_id"][()]
    history = History.from_arrays(checked(arrays, checkpoint, task_ids, config))
    if not launches:
        raise Mismatch("provenance has no launch")
    unknown = tuple(f"{group}/{name}" for group in GROUPS for name in file.get(group, {}) if not _known(group, name))
    parameters, observations = checkpoint["theta"].size, len(checkpoint["statistics"]["sums"]) // 2
    interface = read_interface(file, config, observations, parameters)
    return Results(path, config, history, checkpoint, task_ids.tolist(), launches, interface, unknown)


def read_interface(file: h5py.File, config: Config, observations: int, parameters: int) -> Interface:
    """What the policies of a results file or a session take and give; Mismatch unless that fits them."""
    if GROUP in file:
        group = file[GROUP]
        interface: Interface | None = found(group.attrs, {name: group[name][()] for name in group})
    else:  # a file of an earlier version
        interface = inferred_interface(config, observations, parameters)
    if interface is not None:
        policy = make_policy(config, interface)
        if (policy.observation_size, policy.size) == (observations, parameters):
            return interface
    raise Mismatch(f"policies of its configuration for {observations} observations do not have {parameters} parameters")


def _series(file: h5py.File, group: str) -> dict[str, np.ndarray]:
    """Those series of a group that the file has: it may be older than some."""
    found = file.get(group, {})
    return {name: found[name][()] for name in GROUPS[group] if name in found}


def _known(group: str, name: str) -> bool:
    return name in GROUPS[group] or (group, name) == ("test", "task_id")


def _get(group: h5py.Group) -> dict:
    return {name: _get(item) if isinstance(item, h5py.Group) else item[()] for name, item in group.items()}


def _ranges(iterations: list[int]) -> str:
    return f"{iterations[0]} to {iterations[-1]} ({len(iterations)} rows)"
