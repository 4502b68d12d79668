"""Why evaluations failed: each cause once in full, then counts, on one rank and over all ranks."""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from esmaml_mpi.errors import in_words, place
from esmaml_mpi.rollouts.faults import Fault

MOST_KINDS = 20  # kept of one rank: an environment may put other numbers into every message
MOST_WORDS = 300  # characters
MOST_REPORT = 6000  # characters, of which the last are kept: there a traceback says where it was
OTHERS = "other causes"


@dataclass(frozen=True)
class Cause:
    """``kind``: what failures of the same cause have in common; ``words``: one of them; ``report``: all about it."""

    kind: str
    words: str
    report: str = ""
    count: int = 1

    @classmethod
    def of(cls, fault: Fault, task: int) -> "Cause":
        """A number that is not finite, or too large."""
        return cls(fault.kind, fault.in_words(task))

    @classmethod
    def raised(cls, error: BaseException, raised_as: str, report: str) -> "Cause":
        """An exception; ``raised_as`` is how it is told."""
        where = place(error)
        kind = f"{type(error).__name__}{where}" if where else in_words(error)
        return cls(kind[:MOST_WORDS], f"{raised_as[:MOST_WORDS]}{where}", report[-MOST_REPORT:])


class Causes:
    """Causes by their kinds, with counts. Threads may share it."""

    def __init__(self, causes: Iterable[Cause] = ()) -> None:
        self._found: dict[str, Cause] = {}
        self._lock = threading.Lock()
        for cause in causes:
            self.add(cause)

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, cause: Cause) -> None:
        """One more, or as many as it counts."""
        with self._lock:
            kind = cause.kind
            if kind not in self._found and len(self._found) >= MOST_KINDS:
                kind, cause = OTHERS, replace(cause, kind=OTHERS, words=OTHERS, report="")
            known = self._found.get(kind)
            self._found[kind] = cause if known is None else replace(known, count=known.count + cause.count)

    def take(self) -> list[Cause]:
        """All, which are then forgotten."""
        with self._lock:
            found, self._found = list(self._found.values()), {}
        return found

    def __str__(self) -> str:
        """As in "14 x observation[1] = inf at step 7 of task 0", the most frequent first; without a count if there is
        but one.
        """
        found = sorted(self._found.values(), key=lambda cause: -cause.count)
        if len(found) == 1:
            return found[0].words
        return ", ".join(f"{cause.count} x {cause.words}" for cause in found[:3]) + (", ..." if len(found) > 3 else "")


def to_text(causes: Iterable[Cause], remarks: Iterable[Sequence[str]]) -> bytes:
    """What a rank tells of itself; nothing where there is nothing."""
    told = [asdict(cause) for cause in causes], list(remarks)
    return json.dumps(told).encode() if any(told) else b""


def from_text(text: bytes) -> tuple[list[Cause], list[list[str]]]:
    """Inverse of ``to_text``."""
    causes, remarks = json.loads(text) if text else ([], [])
    return [Cause(**cause) for cause in causes], remarks
