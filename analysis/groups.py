"""Runs of the same experiment with different seeds, as one group, named by the settings in which groups differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from script import Note

from esmaml_mpi.config.config import flat
from esmaml_mpi.results.reader import Results
from esmaml_mpi.training.opening import FREE

# Settings that do not make another experiment: seed and name, and what may change when a run is resumed.
IGNORED = ("run.seed", "run.name", *FREE)
# Keys that begin so are those of what the setting names: another choice may have other keys, and other defaults.
CHOICES = {
    "task.": "task.name",
    "adaptation.": "adaptation.operator",
    "adaptation.direction_options.": "adaptation.directions",
    "adaptation.decoder_options.": "adaptation.decoder",
    "meta.": "meta.algorithm",
    "meta.direction_options.": "meta.directions",
    "meta.decoder_options.": "meta.decoder",
}
# Settings that a meta-algorithm asks for, or that suit it: not named beside it where it alone decides on them.
SUITING = ("policy.output", "adaptation.operator", "test.every")
NOT_SET = "not set"


@dataclass(frozen=True)
class Group:
    """Runs that differ in seed alone, by seed.

    ``told``: (name, value) of the parts of its label; ``settings``: dotted name -> value as text; ``kind``: see
    ``group``.
    """

    told: tuple[tuple[str, str], ...]
    settings: dict[str, str]
    runs: list[Results]
    kind: tuple = ()

    @property
    def label(self) -> str:
        """The settings in which it differs from the other groups; the task family's name if there are none."""
        return label(self.told) or self.family

    @property
    def family(self) -> str:
        """The task family."""
        return self.settings["task.name"]

    @property
    def worth(self) -> dict[str, str]:
        """The settings that decide what a reward is worth."""
        return worth(self.settings)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the runs."""
        return [run.config.run.seed for run in self.runs]


def group(runs: list[Results], note: Note, kind: Callable[[Results], tuple] = lambda run: ()) -> list[Group]:
    """Groups in the order in which their first run was given; ``kind``: what else must be equal within a group."""
    members: dict[tuple, list[Results]] = {}
    for run in runs:
        members.setdefault((frozenset(settings(run).items()), kind(run)), []).append(run)
    every = [settings(same[0]) for same in members.values()]
    return [
        Group(tuple(told(own, every)), own, _distinct(same, note), key[1])
        for own, (key, same) in zip(every, members.items(), strict=True)
    ]


def settings(run: Results) -> dict[str, str]:
    """Dotted name -> value as text, of all settings that make an experiment."""
    return {name: _text(value) for name, value in flat(run.config.to_dict()).items() if name not in IGNORED}


def worth(settings: dict[str, str]) -> dict[str, str]:
    """Those that decide what a reward is worth: the task family, its horizon and its options."""
    kept = ("task.name", "task.horizon", "task.options.")
    return {name: value for name, value in settings.items() if name.startswith(kept)}


def label(told: Iterable[tuple[str, str]]) -> str:
    """Names and values as text."""
    return ", ".join(f"{name} = {value}" for name, value in told)


def differing(groups: list[dict[str, str]]) -> list[str]:
    """Names of the settings in which groups differ.

    What another task family, operator, algorithm ... has otherwise is not looked at: its name says enough. Beside its
    own kind everything counts, keys that only one of them has included.
    """
    everything = list(dict.fromkeys(name for own in groups for name in own))
    found = []
    for name in everything:
        alike: dict[tuple, set] = {}
        for own in groups:
            alike.setdefault(_choices(name, own), set()).add(own.get(name))
        if any(len(values) > 1 for values in alike.values()):
            found.append(name)
    return found


def told(own: dict[str, str], groups: list[dict[str, str]]):
    """(short name, value) of each part of a group's label.

    Beside another task family its name says enough; beside the groups of its own family, all in which any two of them
    differ. A key that its own kind does not have is left out.
    """
    family = [other for other in groups if other["task.name"] == own["task.name"]]
    if len(family) < len(groups):
        yield "task.name", own["task.name"]
    names = differing(family)
    for name in names:
        if name in SUITING and "meta.algorithm" in names and _decided(name, "meta.algorithm", family):
            continue
        if name in own:
            yield short(name, family), own[name]
        elif any(name in other and _choices(name, other) == _choices(name, own) for other in family):
            yield short(name, family), NOT_SET


def _decided(name: str, by: str, groups: list[dict[str, str]]) -> bool:
    """Whether groups that agree in ``by`` agree in this setting too."""
    pairs = {(own[by], own.get(name)) for own in groups}
    return len(pairs) == len({chosen for chosen, _ in pairs})


def short(name: str, groups: list[dict[str, str]]) -> str:
    """The last part of a dotted name, if no other setting ends like that."""
    last = name.rpartition(".")[2]
    others = {other for own in groups for other in own}.union(IGNORED) - {name}
    return name if any(other.rpartition(".")[2] == last for other in others) else last


def _choices(name: str, settings: dict[str, str]) -> tuple:
    """What decides whether a setting of this name exists and what it is by default."""
    return tuple(settings.get(by) for prefix, by in CHOICES.items() if name.startswith(prefix) and name != by)


def _distinct(runs: list[Results], note: Note) -> list[Results]:
    """One run for each seed, by seed: a second one would be the same numbers, counted twice."""
    best: dict[int, Results] = {}
    for run in sorted(runs, key=lambda run: -len(run.history["train"]["iteration"])):
        kept = best.setdefault(run.config.run.seed, run)
        if kept is not run:
            note(f"{run.path} left out: it is the same run as {kept.path} (same settings, seed {run.config.run.seed})")
    return [best[seed] for seed in sorted(best)]


def _text(value) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
