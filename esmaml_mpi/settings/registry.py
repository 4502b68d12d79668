"""Registries whose entries are imported when they are used, so that a worker loads no more than it needs."""

from importlib import import_module
from typing import Any


def imported(entry: str) -> Any:
    """The object that "module:name" stands for; raises whatever importing it raises, and AttributeError."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)
