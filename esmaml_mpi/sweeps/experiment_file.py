"""What experiment files of all kinds have in common: sizes, seeds, and overrides of their own sections."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from esmaml_mpi.config.loading import EXPERIMENT_SECTIONS, apply_override, merge, read_tables
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.settings import modules
from esmaml_mpi.settings.fields import show

PAPER = "paper"  # the size of the file as it stands
MOST_RUNS = 100_000


def laid_out(path: str | PathLike[str], size: str, overrides: Iterable[str]) -> tuple[dict, list[str]]:
    """The tables of an experiment file with this size laid over them, changed as overrides of its own sections say; and
    the other overrides, which are of a run's configuration. ConfigError and UsageError as ``Sweep`` says.
    """
    tables = read_tables(path)
    modules.look_in(Path(path).resolve().parent)
    sizes = table(tables.pop("sizes", {}), "sizes")
    if PAPER in sizes:
        raise ConfigError(f"[sizes.{PAPER}]: the file as it stands is of this size; another name is wanted.")
    if size != PAPER and size not in sizes:
        raise UsageError(f"--size {size}: {path} has no such size. Allowed: {_known(sizes)}.")
    for layer in _layers(size, sizes):
        tables = merge(tables, layer)
    others = []
    for override in overrides:
        if override.split(".")[0].strip() in EXPERIMENT_SECTIONS:
            apply_override(tables, override)
        else:
            others.append(override)
    return tables, others


def _layers(size: str, sizes: Mapping) -> list[dict]:
    """What is laid over the file for a size, the lowest first; ConfigError unless ``on`` names another size."""
    layers: list[dict] = []
    passed: list[str] = []
    while size != PAPER:
        if size in passed:
            raise ConfigError(f"sizes.{passed[-1]}.on = {show(size)}: a size cannot rest on itself.")
        passed.append(size)
        own = dict(table(sizes[size], f"sizes.{size}"))
        below = own.pop("on", PAPER)
        if below != PAPER and (not isinstance(below, str) or below not in sizes):
            raise ConfigError(f"sizes.{size}.on = {show(below)}: there is no such size. Allowed: {_known(sizes)}.")
        layers.insert(0, own)
        size = below
    return layers


def _known(sizes: Mapping) -> str:
    return ", ".join([PAPER, *sizes])


def seeds_of(seeds: Any, key: str) -> list[int]:
    """The seeds that a number of them, or a list, means; ConfigError, which names ``key``, if it is neither."""
    if type(seeds) is int and 1 <= seeds <= MOST_RUNS:
        return list(range(seeds))
    good = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not good or len(set(seeds)) < len(seeds):
        raise ConfigError(
            f"{key} = {show(seeds)}: how many, 1 to {MOST_RUNS}, or a list of different seeds >= 0, is wanted."
        )
    listed: list[int] = seeds
    return listed


def table(value: object, key: str) -> Mapping:
    """``value`` if it is a table; else ConfigError, which names ``key``."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key} = {show(value)}: a table is wanted.")
    return value
