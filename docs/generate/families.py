"""The page on task families: sizes, options, variants."""

from pieces import code, line, module_of, prose, table
from settings_tables import settings, toml

from esmaml_mpi.tasks import FAMILIES, family_class, make_family

INTRODUCTION = """\
These are the values of `task.name`. Each has its options, which are keys of [task.options]. A variant is a preset of
options: whatever a configuration sets beside it has the last word. `esmaml tasks NAME` prints the same. The page
[Tasks](../tasks.md) says how to choose a family, and where its rewards come from."""


def page() -> str:
    """The whole page."""
    families = {name: (family_class(name), make_family(name)) for name in FAMILIES}
    parts = ["# Task families", INTRODUCTION, _overview(families)]
    for name, (cls, family) in families.items():
        parts += [f"## {name}", prose(cls.__doc__), prose(module_of(cls).__doc__)]
        parts += [settings(cls, values=family)]
        parts += [_variant(family, variant, preset) for variant, preset in cls.presets.items()]
    return "\n\n".join(parts) + "\n"


def _overview(families: dict) -> str:
    rows = [
        [
            f"[{name}](#{name})",
            line(cls.__doc__),
            str(family.observation_size),
            str(family.action_size),
            str(family.horizon),
            "a continuum" if family.task_count is None else str(family.task_count),
            "yes" if getattr(family, "tasks_share_dynamics", False) else "no",
        ]
        for name, (cls, family) in families.items()
    ]
    return table(["family", "", "observations", "actions", "horizon", "tasks", "rollouts can be shared"], rows, raw=1)


def _variant(family, name: str, preset: dict) -> str:
    """What a variant sets beyond the defaults, and its horizon where that is another one."""
    other = make_family(family.name, None, {"variant": name})
    facts = [code(f"{key} = {toml(value)}") for key, value in preset.items()]
    if other.horizon != family.horizon:
        facts.append(f"horizon {other.horizon}")
    for size in ("observation_size", "action_size"):
        if getattr(other, size) != getattr(family, size):
            facts.append(f"{getattr(other, size)} {size.partition('_')[0]}s")
    return f'`variant = "{name}"`: ' + (", ".join(facts) or "the defaults") + "."
