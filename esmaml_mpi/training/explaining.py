"""What rank 0 says of evaluations that failed: each cause in full once, of all ranks together, then counts."""

import math
import time
from collections.abc import Callable

from esmaml_mpi.parallel.rounds import Rounds
from esmaml_mpi.rollouts.causes import Causes

PAUSE = 30.0  # seconds between questions about failures that do not matter much
MOST_REPORTS = 5  # of different causes, in a run


class Explaining:
    """Asks the ranks and says what is new, by ``say``."""

    def __init__(self, rounds: Rounds, say: Callable[[str], None]) -> None:
        self._rounds, self._say = rounds, say
        self._asked = -math.inf
        self._known: set[str] = set()  # kinds of causes that were told in full, and what remarks were about
        self.all = Causes()  # of the run so far

    def ask(self, brief: bool = False) -> Causes:
        """The causes since the last time, after saying what was new among them; ``brief``: but for what the caller will
        say in a line of its own.
        """
        self._asked = time.monotonic()
        new = Causes()
        for told in self._rounds.told():
            for cause in told.causes:
                new.add(cause)
                self.all.add(cause)
                if cause.kind not in self._known and len(self._known) < MOST_REPORTS:
                    self._known.add(cause.kind)
                    where = f"rank {told.rank}: " if self._rounds.world.size > 1 else ""
                    if cause.report or not brief:
                        self._say(f"esmaml: {where}{cause.report or 'failed evaluation: ' + cause.words}")
            for about, text in told.remarks:
                if about not in self._known:
                    self._known.add(about)
                    self._say(f"esmaml: {text}")
        return new

    def asked_after_a_while(self) -> bool:
        """Ask, unless that was done a moment ago; whether it was asked."""
        due = time.monotonic() - self._asked > PAUSE
        if due:
            self.ask()
        return due
