"""A configuration from a file or a mapping, with overrides."""

import dataclasses
import os
from collections.abc import Container, Iterable, Mapping
from os import PathLike
from typing import Any

from esmaml_mpi.config.choices import CHOICES, opens, settings_class
from esmaml_mpi.config.code import all_ours
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.toml_text import read_text, read_toml
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import modules, naming
from esmaml_mpi.settings.fields import plain_values, show

# What an experiment file has beside the configuration of a run, see sweeps/plan.py and tuning/plan.py; a single run is
# not concerned.
EXPERIMENT_SECTIONS = ("sweep", "sizes", "figure", "tune")

# A setting that chooses something -> the setting with its options.
OPTIONS = {"directions": "direction_options", "decoder": "decoder_options", "optimizer": "optimizer_options"}


def load(
    source: "Config | Mapping | str | PathLike", overrides: Iterable[str] = (), opened: bool | Container[str] = True
) -> Config:
    """A Config from a TOML file's path, a mapping or a Config, then ``section.key=value`` overrides (values are TOML;
    bare words are strings).

    Code of the user's is looked for beside the TOML file too. Names in the file, the mapping and the overrides are the
    user's wish; in a Config they are whoever's it was. ``opened``: see ``Config.parsed``.
    """
    if isinstance(source, Config):
        tables = source.to_dict()
    elif isinstance(source, Mapping):
        tables = plain_values(source)
        naming.asked(tables)
    elif isinstance(source, str | PathLike):
        tables = read_tables(source)
        modules.look_in(os.path.dirname(os.path.abspath(source)))
        naming.asked(tables)
    else:
        raise ConfigError(f"configuration {show(source)}: a TOML file's path, a mapping or a Config is wanted.")
    tables = {name: table for name, table in tables.items() if name not in EXPERIMENT_SECTIONS}
    before = _copy(tables)
    for override in checked_overrides(overrides):
        apply_override(tables, override)
        naming.asked(_value(override.partition("=")[2]))
    _drop_what_was_said_of_another(tables, before, opened)
    return Config.parsed(tables, opened, known=not isinstance(source, Config))


def checked_overrides(overrides: Iterable[str]) -> list[str]:
    """Overrides as a list; ConfigError unless they are strings, and not one string, whose letters would be taken."""
    several = isinstance(overrides, Iterable) and not isinstance(overrides, str | bytes | Mapping)
    found = list(overrides) if several else []
    if not several or not all(isinstance(each, str) for each in found):
        raise ConfigError(f'overrides = {show(overrides)}: a list of strings is wanted, as ["meta.sigma=0.05"].')
    return found


def read_tables(path: str | PathLike) -> dict:
    """The tables of a TOML file, as they stand there."""
    return read_toml(read_text(path), str(path))


def merge(tables: Mapping, overlay: Mapping, opened: bool = True) -> dict:
    """``tables`` with the values of ``overlay`` in place of their own; nested tables are merged likewise. ``opened``:
    see ``Config.parsed``.
    """
    merged: dict[str, Any] = _copy(tables)
    _lay_over(merged, overlay)
    _drop_what_was_said_of_another(merged, tables, opened)
    return merged


def apply_override(tables: dict, override: str) -> None:
    """Set one value in ``tables``, in place, as ``section.key=value`` says."""
    key, equals, text = override.partition("=")
    path = [name.strip() for name in key.split(".")]
    if not equals or len(path) < 2 or not all(path):
        raise ConfigError(f"--set {show(override)}: section.key=value is wanted, for example --set meta.sigma=0.05.")
    table = tables
    for name in path[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {show(override)}: {show(name)} is a value, not a table.")
    table[path[-1]] = _value(text)


def _value(text: str) -> Any:
    """A value as in TOML; whatever is none is a string."""
    try:
        table = read_toml(f"value = {text}", "--set")
    except ConfigError:
        return text.strip()
    return table["value"] if table.keys() == {"value"} else text.strip()  # not the settings on further lines


def _lay_over(tables: dict, overlay: Mapping) -> None:
    for name, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(tables.get(name), dict):
            _lay_over(tables[name], value)
        else:
            tables[name] = _copy(value)


def _copy(table: Any) -> Any:
    """Nested mappings as dictionaries of our own, which overrides may change."""
    return {name: _copy(value) for name, value in table.items()} if isinstance(table, Mapping) else table


def _drop_what_was_said_of_another(tables: dict, before: Mapping, opened: bool | Container[str]) -> None:
    """Where overrides have chosen another operator, algorithm, sampler or decoder, what was said of the old one alone
    means nothing any more.
    """
    for section in CHOICES:
        table, old = tables.get(section), before.get(section)
        if not isinstance(table, dict) or not isinstance(old, dict):
            continue
        choice, stale = CHOICES[section], []
        if table.get(choice.key, choice.default) != old.get(choice.key, choice.default):
            known = opens(opened, section) or all_ours(section, table)
            keys = {f.name for f in dataclasses.fields(settings_class(section, table) if known else choice.common)}
            # What the old choice does not know either is a slip, which is refused like any other.
            was_known = opens(opened, section) or all_ours(section, old)
            knew = {f.name for f in dataclasses.fields(settings_class(section, old))} if was_known else set(old)
            stale = [key for key in old if key not in keys and key in knew]
        for name, options in OPTIONS.items():
            if table.get(name) != old.get(name):
                stale.append(options)
        for key in stale:
            if key in old and table.get(key) == old[key]:
                del table[key]
