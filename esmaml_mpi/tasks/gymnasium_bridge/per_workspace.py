"""What is kept for each workspace, and let go with it."""

import threading
import weakref
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from esmaml_mpi.tasks.workspace import Workspace


class Closable(Protocol):
    """What may be kept."""

    def close(self) -> None:
        """Let go of all that it holds."""


Kept = TypeVar("Kept", bound=Closable)


class PerWorkspace(Generic[Kept]):
    """One for each workspace, made when it is asked for, and closed when the workspace goes. A workspace belongs to one
    thread, and so does what is kept for it.
    """

    def __init__(self, make: Callable[[], Kept]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._kept: weakref.WeakKeyDictionary[Workspace, Kept] = weakref.WeakKeyDictionary()

    def of(self, workspace: Workspace) -> Kept:
        """That of a workspace."""
        with self._lock:
            if workspace not in self._kept:
                self._kept[workspace] = made = self._make()
                weakref.finalize(workspace, made.close)
            return self._kept[workspace]

    def all(self) -> list[Kept]:
        """Those of all workspaces that there are now."""
        with self._lock:
            return list(self._kept.values())
