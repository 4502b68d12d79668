"""Task families in words, for ``esmaml tasks``."""

import dataclasses
import inspect

from esmaml_mpi.errors import UserError
from esmaml_mpi.settings.fields import allowed
from esmaml_mpi.settings.plain_text import COLUMNS, paragraphs, wrapped
from esmaml_mpi.tasks import FAMILIES, family_class, make_family

INDENT = "    "


def describe_families(columns: int = COLUMNS) -> str:
    """Every family with what it is, those of installed packages last, in lines of at most so many ``columns``."""
    names = [*FAMILIES, *FAMILIES.entry_points()]
    width = max(map(len, names)) + 2
    lines: list[str] = []
    for name in names:
        lines += wrapped(_line(name), columns, f"{name:{width}}", " " * width)
    return "\n".join(lines)


def describe_family(name: str, columns: int = COLUMNS) -> str:
    """A family's tasks, sizes and options."""
    cls, family = family_class(name), make_family(name)
    count = "drawn from a continuum" if family.task_count is None else str(family.task_count)
    sizes = (
        f"observations {family.observation_size}, actions {family.action_size}, horizon {family.horizon}, distinct "
        f"tasks: {count}"
    )
    about = inspect.getdoc(inspect.getmodule(cls)) or ""
    lines = [*wrapped(f"{name}: {_summary(cls)}", columns), ""]
    lines += [*paragraphs(about, columns), ""] if about else []
    lines += [*wrapped(sizes, columns), "", "[task.options]"]
    for field in sorted(dataclasses.fields(cls), key=lambda field: field.name != "variant"):  # that decides the others
        if field.metadata:
            limits = allowed(field)
            lines.append(f"{field.name} = {getattr(family, field.name)!r}")
            lines += wrapped(field.metadata["doc"] + (f" ({limits})" if limits else ""), columns, INDENT)
    for variant, preset in cls.presets.items():
        means = f"variant = {variant!r} means " + ", ".join(f"{k} = {v!r}" for k, v in preset.items())
        lines += ["", *wrapped(means, columns, "", INDENT)]
    return "\n".join(lines)


def _line(name: str) -> str:
    try:
        return _summary(family_class(name))
    except UserError as error:  # one that lacks a library must not hide the others
        return f"({error})"


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or cls.__name__).splitlines()[0]
