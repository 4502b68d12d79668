"""Results files made into a summary of what claims need, matched to points of experiment files by configuration."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import series
from claim_list import PICTURED
from explored import KEPT, explore
from script import Note
from verdicts import paths
from verdicts.points import digest, points_of
from verdicts.summary import Point, Run, Summary

from esmaml_mpi import read_results
from esmaml_mpi.errors import UserError
from esmaml_mpi.results.reader import Results
from esmaml_mpi.tasks import FAMILIES, make_family
from esmaml_mpi.tasks.quadruped.quantities import NAMED

DIGITS = 5
ROBOTS = {"gain_loaded": ("mass_voltage_left", "mass_voltage_right"), "gain_slippery": ("low_friction",)}
PICTURED_SEED = 0


def collect(places: Iterable[Path], wanted: set[tuple[str, str, str]], note: Note) -> Summary:
    """The summary of all results files in ``places``, folders or files, that are of these points.

    ``wanted``: (experiment, size, name) of the points.
    """
    points = points_of(wanted, note)
    return Summary(points, []).joined(runs_in(places, points, note))


def runs_in(places: Iterable[Path], points: list[Point], note: Note) -> list[Run]:
    """The runs of these points among the results files in ``places``, folders or files."""
    best: dict[tuple[str, int], tuple[Run, str]] = {}
    strangers = 0
    for path, name in _files(places):
        try:
            results = read_results(path)
        except UserError as error:
            note(f"left out: {error}")
            continue
        config = results.config
        own = places_of(digest(config), config.run.seed, config.meta.iterations, points)
        strangers += not own
        if not own:
            continue
        if results.history["test"]["iteration"][-1:].sum() == 0:
            note(f"{path}: left out, as it has not been tested after iteration 0 yet")
            continue
        run = _run(results, own, note)
        if run.key in best:
            note(f"{best[run.key][1]} and {name} are the same run; the longer one counts")
        if run.key not in best or run.iterations > best[run.key][0].iterations:
            best[run.key] = run, name
    if strangers:
        note(f"{strangers} results files are of no point that a claim names")
    return [run for run, _ in best.values()]


def places_of(config: str, seed: int, iterations: int, points: list[Point]) -> list[str]:
    """The points that a run of this digest is of: of those that name its seed, if there are any; and of one
    experiment's that differ in length alone, the nearest.
    """
    alike = [each for each in points if each.config == config]
    nearest: dict[str, list[Point]] = {}
    for point in [each for each in alike if seed in each.seeds] or alike:
        nearest.setdefault(point.experiment, []).append(point)
    places = []
    for own in nearest.values():
        least = min(abs(iterations - point.iterations) for point in own)
        places += [point.place for point in own if abs(iterations - point.iterations) == least]
    return places


def _files(places: Iterable[Path]) -> list[tuple[Path, str]]:
    """Results files and their names, those in folders below the folder."""
    found: dict[Path, str] = {}
    for place in places:
        if not place.exists():
            raise UserError(f"{place} does not exist.")
        inside = sorted(place.rglob("*.h5")) if place.is_dir() else [place]
        for path in inside:
            found.setdefault(path.resolve(), str(path.relative_to(place)) if place.is_dir() else path.name)
    return list(found.items())


def _run(results: Results, places: list[str], note: Note) -> Run:
    commit = str(results.launches[-1].get("git_commit", ""))
    own = {key: [_short(value) for value in values] for key, values in _series(results, note).items()}
    config = results.config
    return Run(
        places,
        digest(config),
        config.run.seed,
        config.meta.iterations,
        commit[:10] + "+changes" * commit.endswith("+changes"),
        round(float(own["seconds"][-1] or 0) / 3600, 4),
        own,
        _paths(results, places, note),
    )


def _paths(results: Results, places: list[str], note: Note) -> dict | None:
    """What the last meta-policy explores, of the runs that a figure of the paper's is made of."""
    if results.config.run.seed != PICTURED_SEED or not PICTURED.intersection(places):
        return None
    return explore(results, "last", 1, note, most=KEPT).kept()


def _series(results: Results, note: Note) -> dict[str, np.ndarray]:
    """Name -> a number for each test; returns are means over tasks and repeats. Shapes of paths: of the last test."""
    iterations, after = series.curve(results, "after")
    found = {"iteration": iterations, "after": after, "before": series.curve(results, "before")[1]}
    for kind in ("rollouts", "seconds"):
        found[kind] = series.cost(results, iterations, kind)
    if (missing := series.failures(results, "after")) > 0:
        note(f"{results.path}: {missing} test returns are missing (failed rollouts) and left out of the means")
    config, rows = results.config, results.history["test"]
    returns = rows["after"]
    if not FAMILIES.is_ours(config.task.name):
        return found
    family = make_family(config.task.name, config.task.horizon, config.task.options)
    if config.task.name == "four_corners" and family.reward == "bowl":
        unseen = -4.0 * config.task.horizon  # what never coming near a goal brings
        found["found"] = _share(returns > unseen, returns)
        found["harmed"] = _share(returns < unseen, returns)
        found["worsened"] = _share(returns < rows["before"], returns - rows["before"])
    if config.task.name == "quadruped":
        found |= _gains(results, family.named_tasks_from)
    shapes = {}
    if config.task.name == "six_circles":
        shapes = paths.visits(results, family, int(iterations[-1]), note)
    if config.task.name == "navigation_2d":
        shapes = paths.exploration(results, int(iterations[-1]), note)
    return found | {name: np.array([np.nan] * (len(iterations) - 1) + [value]) for name, value in shapes.items()}


def _gains(results: Results, first: int) -> dict[str, np.ndarray]:
    """What adaptation gains on some of the named robots, whose ids begin with ``first``; nan if none is tested."""
    places = {task - first: column for column, task in enumerate(results.test_task_ids)}
    gained = results.history["test"]["after"] - results.history["test"]["before"]
    found = {}
    for key, robots in ROBOTS.items():
        columns = [places[which] for which, name in enumerate(NAMED) if name in robots and which in places]
        found[key] = series.finite_mean(gained[:, columns], (1, 2))
    return found


def _share(true: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Share (R,) of the finite ones of returns (R, tasks, repeats) of which it is true."""
    return series.finite_mean(np.where(np.isfinite(returns), true, np.nan), (1, 2))


def _short(value) -> float | int | None:
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
