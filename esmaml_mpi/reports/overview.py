"""Several runs as a table for a terminal, one line each: how far it is, and what it earns."""

import os
from collections.abc import Sequence

from esmaml_mpi.settings.plain_text import wrapped
from esmaml_mpi.training.progress import duration

COLUMNS = ("state", "iteration", "before", "after", "best", "at", "left")
DISPENSABLE = ("left", "at", "best", "before")  # where the terminal is narrow, first to last
GAP = "  "
LEAST = 12  # columns of a name beside its numbers; with less room it stands above them


def overview(summaries: Sequence[dict], columns: int) -> str:
    """What ``esmaml info`` prints of several ``summary.summarize``, in lines of at most so many ``columns``.

    Rewards are those of the last test; "best" is the highest after adaptation, and "at" its iteration.
    """
    folder, names = _names([summary["file"] for summary in summaries])
    rows = [COLUMNS, *map(_cells, summaries)]
    for name in DISPENSABLE:
        if _width(rows) <= columns:
            break
        at = rows[0].index(name)
        rows = [row[:at] + row[at + 1 :] for row in rows]
    widths = _widths(rows)
    numbers = [GAP.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    longest = max(map(len, ("run", *names)))
    room = min(longest, columns - _width(rows))
    above = room < min(longest, LEAST)
    lines = [f"in {folder}:"] if folder else []
    for name, own in zip(("run", *names), numbers, strict=True):
        if above or len(name) > room:
            lines += [name] if own is not numbers[0] else []
            name = ""
        lines.append((GAP if above else name.ljust(room) + GAP) + own)
    families = list(dict.fromkeys(summary["task"]["family"] for summary in summaries))
    if len(families) > 1:
        said = f"Rewards of different tasks have nothing in common: {', '.join(families)}."
        lines += wrapped(said, columns)
    return "\n".join(lines)


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _width(rows: Sequence[tuple[str, ...]]) -> int:
    """Columns that the numbers take, with the gap before each."""
    return sum(_widths(rows)) + len(GAP) * len(rows[0])


def _names(files: list[str]) -> tuple[str, list[str]]:
    """The folder that all files are in, empty if it is this one, and their names in it."""
    folder = os.path.dirname(files[0])
    while folder and not all(file.startswith(folder + os.sep) for file in files):
        folder = os.path.dirname(folder) if os.path.dirname(folder) != folder else ""
    return folder, [file[len(folder) + 1 :] if folder else file for file in files]


def _cells(summary: dict) -> tuple[str, ...]:
    state, tests, time = summary["state"], summary["tests"], summary["time"]
    last, best = tests.get("last", {}), tests.get("best")
    left = duration(time["seconds_left"]) if "seconds_left" in time and state["iteration"] < state["iterations"] else ""
    return (
        state["kind"],
        f"{state['iteration']}/{state['iterations']}",
        *(_reward(last.get(key), bool(tests)) for key in ("before", "after")),
        *((_reward(best["after"], True), str(best["iteration"])) if best else ("", "")),
        left,
    )


def _reward(value: float | None, tested: bool) -> str:
    if value is None:
        return "failed" if tested else ""
    return f"{value:.2f}"
