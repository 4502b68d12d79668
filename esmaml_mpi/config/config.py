"""What an experiment is: typed sections, read from TOML with overrides, validated before any rank starts work."""

import dataclasses
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from esmaml_mpi.config.choices import CHOICES, chosen, opens
from esmaml_mpi.config.code import places
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.config.toml_text import read_toml
from esmaml_mpi.config.unopened import Unopened
from esmaml_mpi.settings import naming, sections
from esmaml_mpi.settings.fields import allowed, parse, plain_values, unknown
from esmaml_mpi.settings.plain_text import wrapped
from esmaml_mpi.settings.sections import known
from esmaml_mpi.tasks import default_options, make_family


@dataclass
class Config(sections.Sections):
    """A whole experiment.

    ``resolved()`` fills in what depends on the task family and checks the sections against each other.
    """

    run: sections.RunSettings = field(default_factory=sections.RunSettings)
    task: sections.TaskSettings = field(default_factory=sections.TaskSettings)
    policy: sections.PolicySettings = field(default_factory=sections.PolicySettings)
    adaptation: sections.AdaptationSettings = field(default_factory=lambda: chosen("adaptation", {}))
    meta: sections.MetaSettings = field(default_factory=lambda: chosen("meta", {}))
    test: sections.TestSettings = field(default_factory=sections.TestSettings)
    checkpoint: sections.CheckpointSettings = field(default_factory=sections.CheckpointSettings)

    @classmethod
    def from_dict(cls, tables: Mapping) -> "Config":
        """From nested mappings, whose names of code are the user's wish; unknown names, wrong types and values out of
        range raise ConfigError. Numbers and arrays of NumPy are taken as the numbers and lists that they hold.
        """
        tables = plain_values(tables)
        naming.asked(tables)
        return cls.parsed(tables)

    @classmethod
    def parsed(cls, tables: Mapping, opened: bool | Container[str] = True, known: bool = True) -> "Config":
        """The same of tables that may be a file's: what the user has not named is refused with UntrustedError.

        Not ``opened``, or not among them: nothing that is not this program's is imported, and sections that would need
        it keep their values as they stand. Not ``known``: names in those may be of what this machine does not have.
        """
        sections_of: dict[str, Any] = {f.name: f.default_factory for f in dataclasses.fields(cls)}
        for name in tables:
            if name not in sections_of:
                raise unknown("section", name, sections_of)
        parsed = {}
        for name, section in sections_of.items():
            table, opening = tables.get(name, {}), opens(opened, name)
            if name in CHOICES:
                parsed[name] = chosen(name, table, opening, known)
            else:
                parsed[name] = parse(section, table, name, known or opening)
        return cls(**parsed)

    @classmethod
    def from_toml(cls, text: str) -> "Config":
        """From TOML text."""
        return cls.from_dict(read_toml(text, "the configuration"))

    @classmethod
    def of_file(cls, text: str, file: str, ran: Mapping[str, str] = MappingProxyType({})) -> "Config":
        """From TOML text that ``file`` has brought along. Nothing of what it names is imported. ``ran``: checksums of
        the user's modules that the file was written with.
        """
        tables = read_toml(text, "the configuration")
        naming.came_with(tables, file, ran)
        return cls.parsed(tables, opened=False, known=False)

    @property
    def is_opened(self) -> bool:
        """Whether all sections are those of what they name; others are of code that has not been imported."""
        return not any(isinstance(each, Unopened) for each in (self.adaptation, self.meta))

    def to_dict(self) -> dict:
        """Nested plain values; settings that are None are left out."""
        tables = dataclasses.asdict(self)
        for section in (each for name, each in tables.items() if isinstance(getattr(self, name), Unopened)):
            section.update(section.pop("others"))
        return {name: {k: v for k, v in table.items() if v is not None} for name, table in tables.items()}

    def to_toml(self, comments: bool = False) -> str:
        """TOML text, with each setting's documentation if ``comments``."""
        import inspect

        import tomli_w

        if not comments:
            return tomli_w.dumps(self.to_dict())
        assert self.is_opened
        lines = []
        for section in dataclasses.fields(self):
            settings = getattr(self, section.name)
            summary = (inspect.getdoc(type(settings)) or "").partition("\n\n")[0].replace("\n", " ")
            lines += [*wrapped(summary, first="# "), f"[{section.name}]"]
            tables: list[str] = []
            for f in dataclasses.fields(settings):
                value, limits = getattr(settings, f.name), allowed(f)
                text = wrapped(f.metadata["doc"] + (f" ({limits})" if limits else ""), first="# ")
                if isinstance(value, (dict, list)):
                    written = tomli_w.dumps({section.name: {f.name: value}})
                    written = written.removeprefix(f"[{section.name}]\n").strip()
                    # Tables come last: whatever follows would be theirs.
                    (tables if written.startswith("[") else lines).extend([*text, written])
                elif value is None:
                    lines += [*text, f"# {f.name} ="]
                else:
                    lines += [*text, tomli_w.dumps({f.name: value}).rstrip()]
            lines += [*tables, ""]
        return "\n".join(lines)

    def resolved(self, training: bool = True) -> "Config":
        """A copy with every derived setting filled in.

        Raises ConfigError where settings contradict each other or ask for more memory than this machine has, and
        FamilyError where the task family is not one. ``training`` says whether a run is to come, or only adaptations.
        """
        from esmaml_mpi.config.consistency import resolve  # rank 0's: the others are given resolved ones

        return resolve(self.opened(), training)

    def opened(self, *sections: str) -> "Config":
        """A copy with these sections opened, or all of them: what they name is imported. UntrustedError if the user
        has not named it, and ConfigError if it cannot be had.
        """
        return self if self.is_opened else Config.parsed(self.to_dict(), sections or True)

    def remember(self) -> None:
        """Let later commands import what of the user's code is named here, if a file with the same settings names it.

        What only a file has named so far is left out. Rank 0's business.
        """
        naming.remember(self.to_dict(), places(self).values())

    @property
    def normalizes(self) -> bool:
        """Whether policies act on observations from which means were subtracted, divided by standard deviations."""
        return self.policy.normalize_observations and self.meta.observation_statistics != "none"

    @property
    def rollouts_per_adaptation(self) -> int:
        """Episodes that adapting one policy to one task takes, scores before and after not counted."""
        return make_operator(self).rollouts * self.task.rollouts

    @property
    def train_tasks(self) -> range:
        """Ids of the training tasks (of a resolved config)."""
        return range(known(self.task.train_size))

    @property
    def test_tasks(self) -> range:
        """Ids of the test tasks.

        The training tasks themselves when the family has no others (N, N, N), else the ids after them.
        """
        count = make_family(self.task.name, self.task.horizon, self.task.options).task_count
        train_size = known(self.task.train_size)
        first = 0 if count == train_size else train_size
        return range(first, first + known(self.task.test_size))


def changed_keys(old: Config, new: Config) -> dict[str, tuple]:
    """Settings in which two configs differ: dotted name -> (old value, new value).

    An option of a registered family that one of them does not name, as it is newer, has its default there.
    """
    a, b = flat(old.to_dict()), flat(new.to_dict())
    if old.task.name == new.task.name and old.task.options.keys() != new.task.options.keys():
        defaults = flat({"task": {"options": default_options(new.task.name)}})
        a, b = ({**defaults, **settings} for settings in (a, b))
    return {key: (a.get(key), b.get(key)) for key in sorted({*a, *b}) if a.get(key) != b.get(key)}


def flat(tables: Mapping, prefix: str = "") -> dict:
    """Nested tables as one: {"meta": {"sigma": 0.1}} -> {"meta.sigma": 0.1}."""
    result = {}
    for key, value in tables.items():
        result.update(flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value})
    return result
