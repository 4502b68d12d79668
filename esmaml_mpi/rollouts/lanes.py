"""Units shared out to the threads of one process."""

import itertools
from collections.abc import Callable
from typing import TypeVar

from esmaml_mpi.tasks.workspace import Workspace

Found = TypeVar("Found")


class Lanes:
    """``threads`` threads, each with a workspace of its own; the calling one is one of them."""

    def __init__(self, threads: int):
        self.threads = threads
        self._workspaces = [Workspace() for _ in range(threads)]
        self._pool = None
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor  # most workers have one thread and need not carry it

            self._pool = ThreadPoolExecutor(threads - 1)

    def map(self, function: Callable[..., Found], units: int, *arguments: object) -> list[Found]:
        """``function(lane, workspace, ...)`` of each thread's units, which are neighbours."""
        lanes = split(units, min(units, self.threads))
        if self._pool is None or len(lanes) == 1:
            return [function(lane, self._workspaces[0], *arguments) for lane in lanes]
        first, *others = zip(lanes, self._workspaces, strict=False)
        working = [self._pool.submit(function, lane, workspace, *arguments) for lane, workspace in others]
        try:
            found = function(*first, *arguments)  # this thread is one of them: it need not be woken
        except Exception:
            for each in working:
                each.exception()  # wait for all: they still use their workspaces
            raise
        for each in working:
            each.exception()
        return [found, *(each.result() for each in working)]


def split(units: int, blocks: int) -> list[slice]:
    """Blocks of as many neighbours each."""
    edges = [units * i // blocks for i in range(blocks + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]
