"""The points of experiment files that claims name, told by a digest of their settings."""

import contextlib
import hashlib
import io
import json
from dataclasses import asdict, fields
from pathlib import Path

from groups import CHOICES, IGNORED
from script import Note
from verdicts.summary import Point

from esmaml_mpi.config.config import Config, changed_keys, flat
from esmaml_mpi.errors import UserError
from esmaml_mpi.meta import algorithm_class
from esmaml_mpi.sweeps.experiment_file import PAPER
from esmaml_mpi.sweeps.plan import Sweep

CONFIGS = Path(__file__).parents[2] / "configs"
# What a run may have otherwise and still be of a sweep's point: how long it is and how it is tested.
SCALE = (*IGNORED, "test.every", "test.repeats")
NAMING = {*CHOICES.values(), "policy.architecture"}


def digest(config: Config) -> str:
    """A short name of all settings but seed, name and scale: equal if and only if runs are of one point.

    Settings at their defaults are left out unless they name something: one that the program gets later, and that
    changes nothing unless it is set, leaves the names of runs as they are.
    """
    settings = {}
    for section in fields(config):
        chosen = getattr(config, section.name)
        usual = flat({section.name: asdict(type(chosen)())})
        given = flat({section.name: asdict(chosen)})
        settings |= {key: value for key, value in given.items() if key in NAMING or value != usual.get(key)}
    settings = {key: value for key, value in settings.items() if key not in SCALE}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def rollouts_per_iteration(config: Config) -> int | None:
    """Training rollouts of an iteration without redraws; None where it is not known beforehand."""
    algorithm, task = config.meta.algorithm, config.task
    if algorithm not in ("zero_order", "first_order") or config.adaptation.share_rollouts:
        return None
    evaluations = algorithm_class(algorithm).from_config(config).evaluations
    if algorithm == "first_order":
        return evaluations * task.rollouts
    scoring = task.rollouts if config.adaptation.scored_by == "rollouts" else 0
    return evaluations * task.batch_size * (config.rollouts_per_adaptation + scoring)


def points_of(wanted: set[tuple[str, str, str]], note: Note) -> list[Point]:
    """The points (experiment, size, name) of ``wanted`` that there are, experiment by experiment."""
    found = []
    for experiment, size in sorted({(experiment, size) for experiment, size, _ in wanted}):
        path = CONFIGS / f"{experiment}.toml"
        names = {name for own, at, name in wanted if (own, at) == (experiment, size)}
        configs, seeds = _configs(path, size, names, note)
        papers = configs if size == PAPER else _configs(path, PAPER, names, lambda _: None)[0]  # it may lack some
        found += [_point(experiment, size, name, config, papers.get(name), seeds) for name, config in configs.items()]
    return found


def _configs(path: Path, size: str, names: set[str], note: Note) -> tuple[dict[str, Config], list[int]]:
    """Point -> configuration, and the seeds; those that this machine cannot resolve are left out, as without a
    simulator."""
    found: dict[str, Config] = {}
    try:
        sweep = Sweep(path, size)
    except UserError as error:
        note(f"runs of a point cannot be told: {error}")
        return {}, []
    for name in sorted(names):
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # what simulators say of their models
                run = sweep.runs([f"{name}_seed{sweep.seeds[0]}"])[0]
            found[run.point] = run.config
        except (UserError, ImportError) as error:
            note(f"runs of a point cannot be told: {error}")
    return found, sweep.seeds


def _point(experiment: str, size: str, name: str, config: Config, paper: Config | None, seeds: list[int]) -> Point:
    own = (experiment, size, name, digest(config), config.meta.iterations, list(seeds))
    if paper is None:
        return Point(*own)
    changes = {key: f"{new} ({old})" for key, (old, new) in changed_keys(paper, config).items() if key not in SCALE}
    return Point(*own, changes, paper.meta.iterations, rollouts_per_iteration(paper))
