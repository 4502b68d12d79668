"""A run in a few lines, as Python prints it."""

from pathlib import Path
from typing import Protocol

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import counted
from esmaml_mpi.estimators.rewards import best_test, finite_mean
from esmaml_mpi.results.history import History


class Described(Protocol):
    """What is looked at of ``Results``."""

    path: Path | None
    config: Config
    history: History
    checkpoint: dict
    test_task_ids: list[int]


def in_a_line(results: Described) -> str:
    """As "<Results of results/run.h5: four_corners, iteration 50 of 500, test reward -366.00 -> -145.20>"."""
    where = "a run in memory" if results.path is None else str(results.path)
    said = f"<Results of {where}: {results.config.task.name}, {_state(results)}"
    if (test := _test(results, -1)) is not None:
        said += f", test reward {test[1]:.2f} -> {test[2]:.2f}"
    return said + ">"


def in_lines(results: Described) -> str:
    """What ``print`` shows: what was trained, how far it is, its last and its best test, and what there is to read."""
    config, history = results.config, results.history
    hidden = " and ".join(map(str, config.policy.hidden))
    lines = [
        f"{config.run.name}: {'a run in memory' if results.path is None else results.path}",
        f"  task       {config.task.name}, {counted(len(results.test_task_ids), 'test task')}",
        f"  policy     {f'hidden {hidden}' if hidden else 'linear'}, "
        f"{counted(int(results.checkpoint['theta'].size), 'parameter')}",
        f"  algorithm  {config.meta.algorithm}; {config.adaptation.operator}",
        f"  state      {_state(results)}",
    ]
    if (test := _test(results, -1)) is not None:
        lines.append(f"  reward     {test[1]:.2f} before and {test[2]:.2f} after adaptation, at iteration {test[0]}")
        after = history["test"]["after"]
        if (best := best_test(after)) is not None:
            at = history["test"]["iteration"][best]
            lines.append(f"  best       {finite_mean(after[best]):.2f} after, at iteration {at}")
    rows = {group: len(history[group]["iteration"]) for group in ("train", "test", "parameters")}
    lines.append("  history    " + ", ".join(f"{group} ({counted(n, 'row')})" for group, n in rows.items()))
    return "\n".join(lines)


def _state(results: Described) -> str:
    return f"iteration {int(results.checkpoint['iteration'])} of {results.config.meta.iterations}"


def _test(results: Described, row: int) -> tuple[int, float, float] | None:
    test = results.history["test"]
    if not len(test["iteration"]):
        return None
    return int(test["iteration"][row]), finite_mean(test["before"][row]), finite_mean(test["after"][row])
