"""What an experiment is: typed sections, read from TOML with overrides, validated before any rank starts work."""

import dataclasses
import inspect
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from esmaml_mpi import sections
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import allowed, parse, show, unknown

# What an experiment file has beside the configuration of a run, see sweeps/plan.py; a single run is not concerned.
EXPERIMENT_SECTIONS = ("sweep", "sizes", "figure")
MOST_BYTES = 2**24  # of a configuration file: no more is read of something that is none, a device for example


@dataclass(frozen=True)
class Choice:
    """A section whose keys depend on what its ``key`` names; ``settings_of(name)`` is None for an unknown name."""

    key: str
    default: str
    common: type
    settings_of: Callable[[str], type | None]


def _operator_settings(name: str) -> type | None:
    from esmaml_mpi.adaptation import OPERATORS, operator_class

    return operator_class(name) if name in OPERATORS else None


def _algorithm_settings(name: str) -> type | None:
    from esmaml_mpi.meta import ALGORITHMS, algorithm_class

    return algorithm_class(name).Settings if name in ALGORITHMS else None


CHOICES = {
    "adaptation": Choice("operator", "es_gradient", sections.AdaptationSettings, _operator_settings),
    "meta": Choice("algorithm", "zero_order", sections.MetaSettings, _algorithm_settings),
}


@dataclass
class Config:
    """A whole experiment.

    ``resolved()`` fills in what depends on the task family and checks the sections against each other.
    """

    run: sections.RunSettings = field(default_factory=sections.RunSettings)
    task: sections.TaskSettings = field(default_factory=sections.TaskSettings)
    policy: sections.PolicySettings = field(default_factory=sections.PolicySettings)
    adaptation: sections.AdaptationSettings = field(default_factory=lambda: _chosen("adaptation", {}))
    meta: sections.MetaSettings = field(default_factory=lambda: _chosen("meta", {}))
    test: sections.TestSettings = field(default_factory=sections.TestSettings)
    checkpoint: sections.CheckpointSettings = field(default_factory=sections.CheckpointSettings)

    @classmethod
    def from_dict(cls, tables: Mapping) -> "Config":
        """From nested mappings; unknown names, wrong types and values out of range raise ConfigError."""
        known = {f.name: f.default_factory for f in dataclasses.fields(cls)}
        for name in tables:
            if name not in known:
                raise unknown("section", name, known)
        parsed = {}
        for name, section in known.items():
            table = tables.get(name, {})
            parsed[name] = _chosen(name, table) if name in CHOICES else parse(section, table, name)
        return cls(**parsed)

    @classmethod
    def from_toml(cls, text: str) -> "Config":
        """From TOML text."""
        return cls.from_dict(_read_toml(text, "the configuration"))

    def to_dict(self) -> dict:
        """Nested plain values; settings that are None are left out."""
        tables = dataclasses.asdict(self)
        return {name: {k: v for k, v in table.items() if v is not None} for name, table in tables.items()}

    def to_toml(self, comments: bool = False) -> str:
        """TOML text, with each setting's documentation if ``comments``."""
        import tomli_w

        if not comments:
            return tomli_w.dumps(self.to_dict())
        lines = []
        for section in dataclasses.fields(self):
            settings = getattr(self, section.name)
            summary = (inspect.getdoc(type(settings)) or "").partition("\n\n")[0].replace("\n", " ")
            lines += [f"# {summary}", f"[{section.name}]"]
            tables: list[str] = []
            for f in dataclasses.fields(settings):
                value, limits = getattr(settings, f.name), allowed(f)
                text = f"# {f.metadata['doc']}" + (f" ({limits})" if limits else "")
                if isinstance(value, (dict, list)):
                    written = tomli_w.dumps({section.name: {f.name: value}})
                    written = written.removeprefix(f"[{section.name}]\n").strip()
                    # Tables come last: whatever follows would be theirs.
                    (tables if written.startswith("[") else lines).extend([text, written])
                elif value is None:
                    lines += [text, f"# {f.name} ="]
                else:
                    lines += [text, tomli_w.dumps({f.name: value}).rstrip()]
            lines += [*tables, ""]
        return "\n".join(lines)

    def resolved(self, training: bool = True) -> "Config":
        """A copy with every derived setting filled in.

        Raises ConfigError where settings contradict each other or ask for more memory than this machine has, and
        FamilyError where the task family is not one. ``training`` says whether a run is to come, or only adaptations.
        """
        from esmaml_mpi.consistency import resolve

        return resolve(self, training)

    @property
    def rollouts_per_adaptation(self) -> int:
        """Episodes that adapting one policy to one task takes, scores before and after not counted."""
        return self.adaptation.rollouts * self.task.rollouts  # type: ignore[attr-defined]  # every operator has it

    @property
    def train_tasks(self) -> range:
        """Ids of the training tasks (of a resolved config)."""
        return range(_known(self.task.train_size))

    @property
    def test_tasks(self) -> range:
        """Ids of the test tasks.

        The training tasks themselves when the family has no others (N, N, N), else the ids after them.
        """
        from esmaml_mpi.tasks import make_family

        count = make_family(self.task.name, self.task.horizon, self.task.options).task_count
        train_size = _known(self.task.train_size)
        first = 0 if count == train_size else train_size
        return range(first, first + _known(self.task.test_size))


def _known(size: int | None) -> int:
    """A number of tasks of a resolved config."""
    if size is None:
        raise ValueError("how many tasks there are is known of a resolved config: call resolved() first")
    return size


def load(source: "Config | Mapping | str | PathLike", overrides: Iterable[str] = ()) -> Config:
    """A Config from a TOML file's path, a mapping or a Config, then ``section.key=value`` overrides (values are TOML;
    bare words are strings).
    """
    if isinstance(source, Config):
        tables = source.to_dict()
    elif isinstance(source, Mapping):
        tables = _copy(source)
    elif isinstance(source, str | PathLike):
        tables = read_tables(source)
    else:
        raise ConfigError(f"configuration {show(source)}: a TOML file's path, a mapping or a Config is wanted.")
    tables = {name: table for name, table in tables.items() if name not in EXPERIMENT_SECTIONS}
    before = _copy(tables)
    for override in checked_overrides(overrides):
        apply_override(tables, override)
    _drop_what_was_said_of_another(tables, before)
    return Config.from_dict(tables)


def checked_overrides(overrides: Iterable[str]) -> list[str]:
    """Overrides as a list; ConfigError unless they are strings, and not one string, whose letters would be taken."""
    several = isinstance(overrides, Iterable) and not isinstance(overrides, str | bytes | Mapping)
    found = list(overrides) if several else []
    if not several or not all(isinstance(each, str) for each in found):
        raise ConfigError(f'overrides = {show(overrides)}: a list of strings is wanted, as ["meta.sigma=0.05"].')
    return found


def read_tables(path: str | PathLike) -> dict:
    """The tables of a TOML file, as they stand there."""
    return _read_toml(_read_text(path), str(path))


def merge(tables: Mapping, overlay: Mapping) -> dict:
    """``tables`` with the values of ``overlay`` in place of their own; nested tables are merged likewise."""
    merged = _copy(tables)
    _lay_over(merged, overlay)
    _drop_what_was_said_of_another(merged, tables)
    return merged


def _chosen(section: str, table: Mapping) -> Any:
    """A section whose keys are those of the operator, or algorithm, that it names."""
    choice, cls = CHOICES[section], _settings_class(section, table)
    if cls is choice.common and isinstance(table, Mapping):  # there is none of this name, whatever else is wrong
        parse(cls, {choice.key: table[choice.key]}, section)
    return parse(cls, table, section)


def _settings_class(section: str, table: Mapping) -> type:
    """The settings of what a table names; the common ones, which refuse it, if there is none of this name."""
    choice = CHOICES[section]
    name = table.get(choice.key, choice.default) if isinstance(table, Mapping) else None
    return (choice.settings_of(name) if isinstance(name, str) else None) or choice.common


def _drop_what_was_said_of_another(tables: dict, before: Mapping) -> None:
    """Where overrides have chosen another operator, algorithm, sampler or decoder, what was said of the old one alone
    means nothing any more.
    """
    for section in CHOICES:
        table, old = tables.get(section), before.get(section)
        if not isinstance(table, dict) or not isinstance(old, dict):
            continue
        stale, cls = [], _settings_class(section, table)
        if cls not in (_settings_class(section, old), CHOICES[section].common):
            keys = {f.name for f in dataclasses.fields(cls)}
            stale = [key for key in old if key not in keys]
        for choice, options in (("directions", "direction_options"), ("decoder", "decoder_options")):
            if table.get(choice) != old.get(choice):
                stale.append(options)
        for key in stale:
            if key in old and table.get(key) == old[key]:
                del table[key]


def changed_keys(old: Config, new: Config) -> dict[str, tuple]:
    """Settings in which two configs differ: dotted name -> (old value, new value)."""
    a, b = flat(old.to_dict()), flat(new.to_dict())
    return {key: (a.get(key), b.get(key)) for key in sorted({*a, *b}) if a.get(key) != b.get(key)}


def flat(tables: Mapping, prefix: str = "") -> dict:
    """Nested tables as one: {"meta": {"sigma": 0.1}} -> {"meta.sigma": 0.1}."""
    result = {}
    for key, value in tables.items():
        result.update(flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value})
    return result


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
        table = _read_toml(f"value = {text}", "--set")
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


def _read_text(source: str | PathLike) -> str:
    try:
        with open(source, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ConfigError(f"cannot read configuration {str(source)!r}: {getattr(error, 'strerror', error)}.") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it has more than {MOST_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it is not text in UTF-8 ({error}).") from error


def _read_toml(text: str, name: str) -> dict:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}.") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, or as many brackets
        reason = "brackets are nested too deeply" if isinstance(error, RecursionError) else "an integer is too long"
        raise ConfigError(f"{name} is not valid TOML: {reason}.") from error
