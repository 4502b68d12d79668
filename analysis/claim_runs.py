"""Results files made into a summary of what claims need, matched to points of experiment files by configuration."""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import series
from behaviour import Behaviour
from claim_summary import Point, Run, Summary
from groups import IGNORED
from script import Note

from esmaml_mpi import read_results
from esmaml_mpi.config.config import Config, changed_keys, flat
from esmaml_mpi.config.loading import read_tables
from esmaml_mpi.errors import UserError
from esmaml_mpi.meta import algorithm_class
from esmaml_mpi.reproducibility.randomness import Phase
from esmaml_mpi.results.reader import Results
from esmaml_mpi.sweeps.experiment_file import PAPER
from esmaml_mpi.sweeps.plan import Sweep
from esmaml_mpi.tasks import FAMILIES, make_family

CONFIGS = Path(__file__).parents[1] / "configs"
DIGITS = 8
# What a run may have otherwise and still be of a sweep's point: how long it is and how it is tested.
SCALE = (*IGNORED, "test.every", "test.repeats")


def collect(places: Iterable[Path], wanted: set[tuple[str, str]], note: Note) -> Summary:
    """The summary of all results files in ``places``, folders or files, that are of these points.

    ``wanted``: (experiment, name) of the points.
    """
    known, points = _known(wanted, note)
    best: dict[tuple, Run] = {}
    strangers = 0
    for path, name in _files(places):
        try:
            results = read_results(path)
        except UserError as error:
            note(f"left out: {error}")
            continue
        matching = _places(results.config, known)
        strangers += not matching
        if matching and results.history["test"]["iteration"][-1:].sum() == 0:
            note(f"{path}: left out, as it has not been tested after iteration 0 yet")
            continue
        for point in matching:
            run = _run(results, point, name, note)
            key = (point.experiment, point.size, point.name, run.seed)
            kept = best.get(key)
            if kept:
                note(f"{kept.file} and {name} are the same run; the longer one counts")
            if kept is None or run.iterations > kept.iterations:
                best[key] = run
    if strangers:
        note(f"{strangers} results files are of no point that a claim names")
    return Summary(points, [best[key] for key in sorted(best)])


def digest(config: Config) -> str:
    """A short name of all settings but seed, name and scale: equal if and only if runs are of one point."""
    settings = {key: value for key, value in flat(config.to_dict()).items() if key not in SCALE}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def rollouts_per_iteration(config: Config) -> int | None:
    """Training rollouts of an iteration without redraws; None where it is not known beforehand."""
    algorithm, task = config.meta.algorithm, config.task
    if algorithm not in ("zero_order", "first_order") or config.adaptation.share_rollouts:
        return None
    evaluations = algorithm_class(algorithm).from_config(config).evaluations
    if algorithm == "first_order":
        return evaluations * task.rollouts
    return evaluations * task.batch_size * (config.rollouts_per_adaptation + task.rollouts)


def _known(wanted: set[tuple[str, str]], note: Note) -> tuple[dict[str, list[Point]], list[Point]]:
    """Digest -> points that have it; and the points, experiment by experiment."""
    found: dict[str, list[Point]] = {}
    points = []
    for experiment in sorted({experiment for experiment, _ in wanted}):
        path = CONFIGS / f"{experiment}.toml"
        sizes = [PAPER, *read_tables(path).get("sizes", {})]
        configs = {size: _configs(path, size, note) for size in sizes}
        for size, own in configs.items():
            for name, config in own.items():
                if (experiment, name) in wanted:
                    points.append(_point(experiment, size, name, config, configs[PAPER].get(name)))
                    found.setdefault(digest(config), []).append(points[-1])
    return found, points


def _configs(path: Path, size: str, note: Note) -> dict[str, Config]:
    """Point -> configuration; those that this machine cannot resolve are left out, as without a simulator."""
    sweep, found = Sweep(path, size), {}
    for index in range(len(sweep) // len(sweep.seeds)):  # the first seed's
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # what simulators say of their models
                run = sweep.run(index)
            found[run.point] = run.config
        except (UserError, ImportError) as error:
            note(f"runs of a point cannot be told: {error}")
    return found


def _point(experiment: str, size: str, name: str, config: Config, paper: Config | None) -> Point:
    if paper is None:
        return Point(experiment, size, name, config.meta.iterations)
    changes = {key: f"{new} ({old})" for key, (old, new) in changed_keys(paper, config).items() if key not in SCALE}
    return Point(
        experiment, size, name, config.meta.iterations, changes, paper.meta.iterations, rollouts_per_iteration(paper)
    )


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


def _places(config: Config, known: dict[str, list[Point]]) -> list[Point]:
    """The points that a run is of; of sizes that differ in length alone, the nearest."""
    nearest: dict[str, Point] = {}
    for point in known.get(digest(config), []):
        other = nearest.get(point.experiment)
        if other is None or _distance(config, point) < _distance(config, other):
            nearest[point.experiment] = point
    return list(nearest.values())


def _distance(config: Config, point: Point) -> int:
    return abs(config.meta.iterations - point.iterations)


def _run(results: Results, point: Point, name: str, note: Note) -> Run:
    commit = str(results.launches[-1].get("git_commit", ""))
    own = {key: [_short(value) for value in values] for key, values in _series(results, note).items()}
    config = results.config
    return Run(
        point.experiment,
        point.size,
        point.name,
        config.run.seed,
        config.meta.iterations,
        name,
        commit[:10] + "+changes" * commit.endswith("+changes"),
        digest(config),
        own,
    )


def _series(results: Results, note: Note) -> dict[str, np.ndarray]:
    """Name -> a number for each test; returns are means over tasks and repeats."""
    iterations, after = series.curve(results, "after")
    found = {"iteration": iterations, "after": after, "before": series.curve(results, "before")[1]}
    for kind in ("rollouts", "seconds"):
        found[kind] = series.cost(results, iterations, kind)
    if (missing := series.failures(results, "after")) > 0:
        note(f"{results.path}: {missing} test returns are missing (failed rollouts) and left out of the means")
    config, returns = results.config, results.history["test"]["after"]
    if not FAMILIES.is_ours(config.task.name):
        return found
    family = make_family(config.task.name, config.task.horizon, config.task.options)
    if config.task.name == "four_corners" and family.reward == "bowl":
        unseen = -4.0 * config.task.horizon  # what never coming near a goal brings
        found["found"] = _share(returns > unseen, returns)
        found["harmed"] = _share(returns < unseen, returns)
    if config.task.name == "six_circles":
        found["solved"] = np.array([_solved(results, family, int(i), note) for i in iterations])
    return found


def _share(true: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Share (R,) of the finite ones of returns (R, tasks, repeats) of which it is true."""
    return series.finite_mean(np.where(np.isfinite(returns), true, np.nan), (1, 2))


def _solved(results: Results, family, iteration: int, note: Note) -> float:
    """Share of the adaptations of a test, simulated again, that switch every correct goal off; nan: not possible."""
    try:
        behaviour = Behaviour(results, iteration, results.test_task_ids, results.config.test.repeats, Phase.TEST)
        paths = behaviour.paths("after")
    except UserError as error:
        note(f"{results.path}: the goals visited are not known: {error}")
        return float("nan")
    solved = []
    for task, own in zip(results.test_task_ids, paths, strict=True):
        wanted = family.centres[behaviour.setup.task_table[:, task] > 0]
        for path in own:
            distance = np.linalg.norm(path[:, None] - wanted, axis=2).min(axis=0)
            solved.append((distance < family.switch_off_distance).all())
    return float(np.mean(solved))


def _short(value) -> float | int | None:
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
