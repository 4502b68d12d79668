"""Task families in words, for ``esmaml tasks``."""

import dataclasses
import inspect

from esmaml_mpi.errors import UserError
from esmaml_mpi.settings.fields import allowed
from esmaml_mpi.tasks import FAMILIES, family_class, make_family


def describe_families() -> str:
    """One line a family, those of installed packages last."""
    names = [*FAMILIES, *FAMILIES.entry_points()]
    width = max(map(len, names))
    return "\n".join(f"{name:{width}}  {_line(name)}" for name in names)


def describe_family(name: str) -> str:
    """A family's tasks, sizes and options."""
    cls, family = family_class(name), make_family(name)
    count = "drawn from a continuum" if family.task_count is None else str(family.task_count)
    lines = [
        f"{name}: {_summary(cls)}",
        "",
        inspect.getdoc(inspect.getmodule(cls)) or "",
        "",
        f"observations {family.observation_size}, actions {family.action_size}, horizon "
        f"{family.horizon}, distinct tasks: {count}",
        "",
        "[task.options]",
    ]
    for field in sorted(dataclasses.fields(cls), key=lambda field: field.name != "variant"):  # that decides the others
        if field.metadata:
            limits = allowed(field)
            lines.append(f"{field.name} = {getattr(family, field.name)!r}")
            lines.append(f"    {field.metadata['doc']}" + (f" ({limits})" if limits else ""))
    for variant, preset in cls.presets.items():
        lines += ["", f"variant = {variant!r} means " + ", ".join(f"{k} = {v!r}" for k, v in preset.items())]
    return "\n".join(lines)


def _line(name: str) -> str:
    try:
        return _summary(family_class(name))
    except UserError as error:  # one that lacks a library must not hide the others
        return f"({error})"


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or cls.__name__).splitlines()[0]
