"""Reading results files, of running jobs too. Nothing in a file is executed: nor is what its configuration names, until
it is used and the user has named the same himself, see ``settings.naming``.
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import has_own_policy, inferred_interface, make_operator, make_policy, theta_fits
from esmaml_mpi.errors import ResultsError, UsageError, in_words, printable
from esmaml_mpi.estimators.rewards import best_test
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.results.axes import NAMES as AXES
from esmaml_mpi.results.code import code_of
from esmaml_mpi.results.description import in_a_line, in_lines
from esmaml_mpi.results.earlier import Column, Earlier
from esmaml_mpi.results.history import GROUPS, History
from esmaml_mpi.results.interface import GROUP, interface_from
from esmaml_mpi.results.opening import opened
from esmaml_mpi.results.provenance import COUNTS, MOST_FACT
from esmaml_mpi.results.seal import SESSION_KIND, SealedFile
from esmaml_mpi.results.structure import CHECKPOINT, Mismatch, Stored, check_numbers, check_shapes
from esmaml_mpi.results.survey import plain, survey, text
from esmaml_mpi.results.tables import columns
from esmaml_mpi.settings import modules, naming
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.interface import Interface

if TYPE_CHECKING:
    import pandas


@dataclass(repr=False)
class Results:
    """A run in memory:

    config, history, checkpoint tree, test task ids, provenance of each launch, and its file if it has one.
    ``interface`` is what its policies take and give: of an older file sizes alone, which follow from the parameters.
    ``unknown_series`` are those of the file that this version does not know: a newer one has written it.

    What the configuration of a file names is not imported: sections that would need it keep their values as they stand
    (``config.is_opened``). What uses them later imports it if the user has named the same code with the same settings
    himself; ``trusted`` lets it be imported from now on.
    """

    path: Path | None
    config: Config
    history: History
    checkpoint: dict
    test_task_ids: list[int]
    launches: list[dict]
    interface: Interface
    unknown_series: tuple[str, ...] = ()
    rollouts_stated: int = 0  # what the file says of the next one

    def trusted(self) -> "Results":
        """These results, after letting what the file names be imported; the user has said that it is trusted. Modules
        are looked for where the run had them, too. It is remembered, so that this file need not be trusted again.
        """
        naming.asked(self.config.to_dict(), trusted=str(self.path or ""))
        for code in code_of(self.launches[-1] if self.launches else {}).values():
            if code.file:
                modules.look_in(code.folder)
        self.config.remember()
        return self

    @property
    def rollouts_per_adaptation(self) -> int:
        """Episodes that adapting one policy to one task takes; 0 if only the operator's own code knows."""
        if self.config.is_opened:
            return make_operator(self.config).rollouts * self.config.task.rollouts
        return self.rollouts_stated

    def __repr__(self) -> str:
        return in_a_line(self)

    def __str__(self) -> str:
        return in_lines(self)

    def to_dataframe(self, group: str = "test") -> "pandas.DataFrame":
        """A group of the history as a DataFrame of pandas: of "test" a row for each adaptation (iteration, task,
        repeat, before, after), of the others one for each row of the group, vectors as columns (values_0).

        UsageError if there is no such group, or no pandas.
        """
        if group not in GROUPS:
            raise UsageError(f"group {show(group)} does not exist. Allowed: {', '.join(GROUPS)}.")
        try:
            import pandas
        except ImportError as error:
            raise UsageError(
                f"to_dataframe needs pandas ({in_words(error)}). Install it with: pip install pandas."
            ) from error
        return pandas.DataFrame(columns(self.history[group], group, self.test_task_ids))

    @property
    def _name(self) -> str:
        return "the run in memory" if self.path is None else str(self.path)

    def check_fits(self, policy: AnyPolicy) -> None:
        """Raise ResultsError unless the parameters are those of such a policy: task families change their sizes."""
        d, n = self.checkpoint["theta"].size, len(self.checkpoint["statistics"]["sums"]) // 2
        if not theta_fits(self.config, policy, d) or n != policy.observation_size:
            raise ResultsError(
                f"{self._name} holds policies of {d} parameters for {n} observations, but with its configuration "
                f"{self.config.task.name} now makes policies of {policy.size} parameters for "
                f"{policy.observation_size} observations: the task family has changed since."
            )

    def parameters(self, at: str | int = "last") -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Iteration, theta (d,), observation mean and std (n,):

        "last", "best" (highest mean test reward after adaptation, of the tests with the fewest failures), or an
        iteration.
        """
        rows, normalization = self.history["parameters"], self.history["normalization"]
        iterations = rows["iteration"].tolist()
        if not iterations:
            raise ResultsError(f"{self._name} holds no parameters yet.")
        if at == "best":
            test = self.history["test"]
            best = best_test(test["after"])
            if best is None:
                raise ResultsError(
                    f"{self._name} has no test that succeeded, so no best parameters; use last or an iteration."
                )
            at = int(test["iteration"][best])
        elif at == "last":
            at = int(iterations[-1])
        if isinstance(at, str) or at not in iterations:
            raise ResultsError(f"{self._name} has no parameters of iteration {at}; it has {_ranges(iterations)}.")
        row = iterations.index(at)
        return at, rows["value"][row], normalization["mean"][row], normalization["std"][row]


def read(path: str | PathLike, sealed: bool = True) -> Results:
    """Load a results file; ResultsError says what is wrong with it if it is not one, Damaged if it was one.

    Without ``sealed`` its checksum is not looked at, only all else: damaged numbers are taken as they are.
    """
    if not isinstance(path, str | PathLike):
        raise ResultsError(f"results file {show(path)}: a path is wanted.")
    path = Path(path)
    with opened(path, "results file", sealed) as (file, size):
        results, chosen = _without_history(path, file, size)
        columns = _columns(file, chosen)
        arrays = {
            group: {name: _rows(file, columns, group, name, 0) for name in series} for group, series in GROUPS.items()
        }
        results.history = History.from_arrays(arrays)
        return results


def read_to_continue(path: Path) -> tuple[Results, Earlier]:
    """The same, of the history only the latest rows: the others are copied from the file, which stays open, by whoever
    goes on from there.
    """
    with opened(path, "results file") as (file, size):
        results, chosen = _without_history(path, file, size)
        columns = _columns(file, chosen)
        arrays = {
            group: {name: _rows(file, columns, group, name, -1) for name in series} for group, series in GROUPS.items()
        }
        results.history = History.from_arrays(arrays)
        results.history.take()
        counts = {group: _count(chosen, group) for group in GROUPS}
        return results, Earlier(SealedFile(path), counts, columns)


def _without_history(path: Path, file: h5py.File, size: int) -> tuple[Results, dict[str, Stored]]:
    """Everything else, once the file has been looked through, and what it has been found to hold."""
    found = survey(file, size)
    if text(file, "/", "kind", "") == SESSION_KIND:
        raise ResultsError(f"{path} is a session of `esmaml adapt --session`, and a training run's file is wanted.")
    toml, launches = text(file, "config", "toml"), _launches(file)
    ran = {name: code.sha256 for name, code in code_of(launches[-1] if launches else {}).items()}
    config = Config.of_file(toml, str(path), ran)
    chosen = check_shapes(found, config)
    checkpoint: dict = {"optimizer": {}}
    for name in chosen:
        if name.startswith(CHECKPOINT):
            *groups, last = name.removeprefix(CHECKPOINT).split("/")
            place = checkpoint
            for group in groups:
                place = place.setdefault(group, {})
            place[last] = file[name][()]
    task_ids = file["test/task_id"][()]
    iterations = {g: file[f"{g}/iteration"][()] if f"{g}/iteration" in chosen else np.empty(0, int) for g in GROUPS}
    check_numbers(iterations, checkpoint, task_ids)
    unknown = tuple(name for name in found if _is_series(name) and name not in chosen)
    observations, parameters = len(checkpoint["statistics"]["sums"]) // 2, checkpoint["theta"].size
    interface = read_interface(file, found, config, observations, parameters)
    rollouts = 0 if config.is_opened else _rollouts(file)
    ids = task_ids.tolist()
    return Results(path, config, History(), checkpoint, ids, launches, interface, unknown, rollouts), chosen


def _is_series(name: str) -> bool:
    """Whether a dataset is a run's, and not one that counts along the axes of others."""
    group, _, rest = name.partition("/")
    return group in (*GROUPS, "checkpoint") and rest not in AXES


def read_interface(
    file: h5py.File, found: dict[str, Stored], config: Config, observations: int, parameters: int
) -> Interface:
    """What the policies of a results file or a session take and give; Mismatch unless that fits them."""
    if GROUP in file:
        prefix = f"{GROUP}/"
        told = {name.removeprefix(prefix): file[name][()] for name in found if name.startswith(prefix)}
        names = ("observation_size", "action_size", "actions_scaled", "rate")
        interface: Interface | None = interface_from({name: plain(file, GROUP, name) for name in names}, told)
    else:  # a file of an earlier version
        interface = inferred_interface(config, observations, parameters) if has_own_policy(config) else None
    if interface is not None:
        if not has_own_policy(config) and interface.observation_size == observations:
            return interface  # only its own code knows how many parameters it has
        policy = make_policy(config, interface)
        if policy.observation_size == observations and theta_fits(config, policy, parameters):
            return interface
    raise Mismatch(f"policies of its configuration for {observations} observations do not have {parameters} parameters")


def _launches(file: h5py.File) -> list[dict]:
    """The facts of each launch: texts, on one line and no longer than a run's own, and numbers."""
    names = [f"provenance/launch_{i}" for i in range(len(file["provenance"]))]
    if not names:
        raise Mismatch("provenance has no launch")
    launches = []
    for name in names:
        if not isinstance(file.get(name), h5py.Group):
            raise Mismatch(f"{name} is missing")
        facts = {str(fact): plain(file, name, fact) for fact in file[name].attrs}
        for fact, value in facts.items():
            if isinstance(value, str) == (fact in COUNTS):
                raise Mismatch(f"{fact} of {name} is {'a text' if isinstance(value, str) else 'a number'}")
        launches.append({_short(fact): _short(v) if isinstance(v, str) else v for fact, v in facts.items()})
    return launches


def _short(text: str) -> str:
    return printable(text[:MOST_FACT])[:MOST_FACT]


def _rollouts(file: h5py.File) -> int:
    """What the file itself says that one adaptation takes."""
    told = plain(file, "test/after", "rollouts_per_adaptation")
    if not isinstance(told, int) or told < 0:
        raise Mismatch("rollouts_per_adaptation of test/after is not a number of rollouts")
    return told


def _columns(file: h5py.File, chosen: dict[str, Stored]) -> dict[tuple[str, str], Column]:
    """Where the rows of all series are; those that are newer than the file have their defaults."""
    columns = {}
    sizes: dict[str, int] = {}
    for group, series in GROUPS.items():
        for name, about in series.items():
            stored = chosen.get(f"{group}/{name}")
            if stored is not None and len(stored.shape) > 1:
                sizes.update(zip(about.letters, stored.shape[1:], strict=True))
    for group, series in GROUPS.items():
        for name, about in series.items():
            stored = chosen.get(f"{group}/{name}")
            if stored is None:
                row = tuple(sizes[letter] for letter in about.letters) if _count(chosen, group) else ()
                columns[group, name] = Column(row, default=about.default)
            elif stored.offset is not None and stored.dtype == np.dtype(about.dtype):
                columns[group, name] = Column(stored.shape[1:], stored.offset)
            else:
                rows = np.asarray(file[f"{group}/{name}"][()], dtype=about.dtype)
                columns[group, name] = Column(stored.shape[1:], rows=rows)
    return columns


def _count(chosen: dict[str, Stored], group: str) -> int:
    return chosen[f"{group}/iteration"].shape[0] if f"{group}/iteration" in chosen else 0


def _rows(file: h5py.File, columns: dict, group: str, name: str, start: int) -> np.ndarray:
    """Rows of a series from ``start`` on."""
    column: Column = columns[group, name]
    if column.rows is not None:
        return column.rows[start:]
    if column.offset is not None:
        return np.asarray(file[f"{group}/{name}"][start:])
    count = len(_rows(file, columns, group, "iteration", start)) if name != "iteration" else 0
    default = 0 if column.default is None else column.default
    return np.full((count, *column.row), default, dtype=GROUPS[group][name].dtype)


def _ranges(iterations: list[int]) -> str:
    return f"{iterations[0]} to {iterations[-1]} ({len(iterations)} rows)"
