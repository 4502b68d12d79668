"""Typed settings: the fields they are made of, the sections of a configuration, and registries of what can be named."""

from esmaml_mpi.settings.fields import setting

__all__ = ["setting"]
