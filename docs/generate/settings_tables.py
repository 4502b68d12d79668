"""Tables of settings, from the dataclasses that they are."""

import dataclasses
import typing

import tomli_w
from pieces import code, table

from esmaml_mpi.settings.fields import allowed

TYPES = {int: "integer", float: "number", str: "string", bool: "true or false", dict: "table"}


def settings(cls: type, without: set[str] = frozenset(), values: object = None, prefix: str = "") -> str:
    """A table of the settings of a class: key, type, default, what is allowed, meaning.

    ``without``: keys to leave out; ``values``: an instance whose values stand for the defaults; ``prefix`` of each key.
    """
    hints = typing.get_type_hints(cls)
    rows = [
        [
            code(prefix + field.name),
            _type(hints[field.name]),
            code(toml(_default(field) if values is None else getattr(values, field.name))),
            allowed(field),
            field.metadata["doc"],
        ]
        for field in dataclasses.fields(cls)
        if field.metadata and field.name not in without
    ]
    return table(["key", "type", "default", "allowed", "meaning"], rows) if rows else "No settings."


def names(cls: type) -> set[str]:
    """The keys of a settings class."""
    return {field.name for field in dataclasses.fields(cls) if field.metadata}


def _default(field):
    return field.default if field.default is not dataclasses.MISSING else field.default_factory()


def _type(annotation) -> str:
    arguments = [each for each in typing.get_args(annotation) if each is not type(None)]
    if typing.get_origin(annotation) is list:
        return f"list of {TYPES[arguments[0]]}s"
    return TYPES[arguments[0] if arguments else annotation]


def toml(value) -> str:
    """A value as a configuration has it, on one line."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").strip()
