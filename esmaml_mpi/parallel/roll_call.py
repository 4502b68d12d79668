"""Who answers while a collective call waits: ranks that do not are named, and given up where that is wished.

A rank that waits for the others looks for messages between its naps. The lowest rank that waits calls all the others;
those that wait too answer, those that compute or are frozen do not. What these do is seen by the ranks of their own
node. No thread is needed, and a rank that nobody waits for is never asked.
"""

import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from esmaml_mpi.parallel import activity
from esmaml_mpi.parallel.launcher import is_rank

QUIET = 5.0  # seconds of waiting before anybody is called
LOOK = 0.2  # seconds between looks for messages
PERIOD = 2.0  # seconds between calls
STEP = 5.0  # seconds without an answer after which a rank calls more of those below it
WORD = 30.0  # seconds of silence until it is said
LONG = 300.0  # the same of a rank that computes
UNUSUAL = 1.5  # times the longest wait so far that came to an end
SHOWN = 4  # ranks named one by one
KILLED = 20.0  # seconds in which MPI should notice that a rank was killed

CALL, ANSWER, ASK, SEEN, KILL = range(1, 6)  # kinds of messages; ASK and KILL name a rank, SEEN what it does


class Post(Protocol):
    """Small messages between ranks, as numbered at the launch."""

    def send(self, rank: int, message: tuple[int, int, int]) -> None:
        """Kind, rank spoken of, what it does; returns at once."""

    def take(self) -> list[tuple[int, tuple[int, int, int]]]:
        """What has come, and from whom."""


@dataclass(frozen=True)
class Person:
    """A rank as a process."""

    host: str
    pid: int


class RollCall:
    """This rank's part. ``people`` are all ranks of the launch, ``members`` those that are left."""

    def __init__(self, post: Post, own: int, people: list[Person], kills: bool):
        """``kills``: whether the job goes on without a rank that is killed."""
        self._post, self._own, self._people, self._kills = post, own, people, kills
        self.members = list(range(len(people)))
        self._activity = activity.Activity()
        self._usual = 0.0  # the longest wait that ended by itself
        self._clock = self._last = self._next_look = 0.0
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        """A new wait."""
        self._since, self._last, self._next_look = self._clock - QUIET, now, 0.0
        self._heard: dict[int, float] = {}
        self._called: set[int] = set()  # whose answer has not come
        self._next_call = self._next_step = self._clock
        self._reach = 0  # so many of those below are called
        self._found: dict[int, tuple[int, float]] = {}  # what a silent rank does, and when that was seen
        self._said: dict[int, float] = {}  # of whom was spoken, and the silence at which it is said again
        self._killed: dict[int, float] = {}
        self._waiting = False

    def poll(self, waited: float, limit: float, doing: Callable[[int], str]) -> bool:
        """While waiting, again and again; whether the job has to be ended, as ranks do not answer.

        ``waited``: seconds so far; ``limit``: seconds of silence after which a rank is given up, 0 for never;
        ``doing``: what a member, by its place among them, is to do.
        """
        if waited < QUIET:
            return False
        now = time.monotonic()
        if not self._waiting:
            self._begin(now)
            self._waiting = True
        if now < self._next_look:
            return False
        self._next_look = now + LOOK
        self._clock += min(now - self._last, 1.0)  # no time passes while this process itself is stopped
        self._last = now
        self._read(doing)
        below = self.members[: self.members.index(self._own)]
        if any(self._clock - self._heard[rank] < STEP for rank in below if rank in self._heard):
            self._next_step = self._clock + STEP  # one of them calls the others
        elif self._reach < len(below) and self._clock >= self._next_step:
            self._reach, self._next_step = min(max(2 * self._reach, 1), len(below)), self._clock + STEP
        leads = self._reach == len(below) and (not below or self._clock >= self._next_step)
        if self._clock >= self._next_call:
            self._next_call = self._clock + PERIOD
            self._call([rank for rank in self.members if rank != self._own] if leads else below[: self._reach])
        return leads and self._judge(limit, doing)

    def end(self, waited: float) -> None:
        """The wait is over."""
        if not self._waiting:
            return
        self._waiting = False
        if not self._said:
            self._usual = max(self._usual, waited)
        for rank in self._said:
            self._say_back(rank)

    def without(self, members: list[int]) -> None:
        """Go on with these members."""
        self.members = members
        self._waiting = False

    def _read(self, doing: Callable[[int], str]) -> None:
        for source, (kind, rank, state) in self._post.take():
            if kind == CALL:
                self._post.send(source, (ANSWER, 0, 0))
            elif kind == ASK:
                self._post.send(source, (SEEN, rank, self._look_at(rank)))
            elif kind == SEEN:
                self._found[rank] = state, self._clock
            elif kind == KILL:
                self._kill(self._people[rank].pid)
            if self._said.pop(source, None) is not None:
                self._say_back(source)
            self._heard[source] = self._clock
            if kind == ANSWER:
                self._called.discard(source)

    def _call(self, ranks: list[int]) -> None:
        for rank in ranks:
            if rank not in self._called:  # else a call lies there already
                self._called.add(rank)
                self._post.send(rank, (CALL, 0, 0))

    def _silence(self, rank: int) -> float:
        return self._clock - self._heard.get(rank, self._since)

    def _helper(self, rank: int) -> int | None:
        """One who answers, on the same host."""
        host = self._people[rank].host
        if host == self._people[self._own].host:
            return self._own
        others = (one for one in self._heard if self._people[one].host == host and self._silence(one) < 3 * PERIOD)
        return next(others, None)

    def _does(self, rank: int) -> int:
        """What a silent rank does, as far as it is known."""
        helper = self._helper(rank)
        if helper == self._own:
            return self._look_at(rank)
        if helper is not None and self._clock - self._found.get(rank, (0, -PERIOD))[1] >= PERIOD:
            self._found.setdefault(rank, (activity.COMPUTING, self._clock))  # until it is known
            self._post.send(helper, (ASK, rank, 0))
        state, when = self._found.get(rank, (activity.UNKNOWN, self._clock))
        return state if self._clock - when < 5 * PERIOD else activity.UNKNOWN

    def _look_at(self, rank: int) -> int:
        """What a rank of this host does."""
        pid = self._people[rank].pid
        return self._activity.of(pid) if is_rank(pid) else activity.UNKNOWN

    def _judge(self, limit: float, doing: Callable[[int], str]) -> bool:
        """Speak of silent ranks, and give up those that are silent for too long."""
        due: dict[int, list[int]] = defaultdict(list)
        for place, rank in enumerate(self.members):
            silence = self._silence(rank)
            if rank == self._own or silence < min(WORD / 2, limit or WORD):
                continue
            state = self._does(rank)
            computes = state == activity.COMPUTING
            if limit and silence > limit and not computes:
                if self._give_up(rank, silence, state, doing(place)):
                    return True
                continue
            usual = UNUSUAL * self._usual if state in (activity.COMPUTING, activity.UNKNOWN) else 0.0
            if silence > self._said.get(rank, max(LONG if computes else WORD, usual)):
                self._said[rank] = 2 * silence
                due[state].append(place)
        for state, places in due.items():
            for place in places[:SHOWN]:
                rank = self.members[place]
                _say(
                    f"{self._named(rank)} has not answered for {self._silence(rank):.0f} s: {activity.WORDS[state]}; "
                    f"{doing(place)}. The others wait for it{self._prospect(state, limit)}"
                )
            if len(places) > SHOWN:
                _say(f"and {len(places) - SHOWN} more ranks, the last of them {self._named(self.members[places[-1]])}")
        return False

    def _prospect(self, state: int, limit: float) -> str:
        if state == activity.COMPUTING:
            return "; run.unit_timeout gives up evaluations that take too long."
        if not limit:
            return "; run.frozen_after gives up ranks that do not answer."
        return f"; after {limit:g} s it is given up."

    def _give_up(self, rank: int, silence: float, state: int, doing: str) -> bool:
        """Kill a rank, so that the others go on without it; whether the job has to be ended instead."""
        if rank in self._killed:
            if self._clock - self._killed[rank] < KILLED:
                return False
            _say(f"{self._named(rank)} was killed and MPI has not noticed: the job is ended. {RESUME}")
            return True
        said = f"{self._named(rank)} has not answered for {silence:.0f} s: {activity.WORDS[state]}; {doing}. "
        said += "It is given up"
        helper = self._helper(rank)
        if self._kills and helper is not None:
            if helper != self._own:
                self._post.send(helper, (KILL, rank, 0))
            elif not self._kill(self._people[rank].pid):
                helper = None
        if not self._kills or helper is None:
            why = "nobody answers on its host" if self._kills else "MPI cannot go on without it"
            _say(f"{said}; {why}, and the job is ended. {RESUME}")
            return True
        self._killed[rank] = self._clock
        self._said[rank] = float("inf")
        _say(f"{said}, and killed.")
        return False

    def _kill(self, pid: int) -> bool:
        if not is_rank(pid):  # another has its number by now, or ranks count processes in another way
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            return False
        return True

    def _say_back(self, rank: int) -> None:
        if rank not in self._killed:
            _say(f"{self._named(rank)} is back")

    def _named(self, rank: int) -> str:
        return f"rank {rank} (process {self._people[rank].pid} on {self._people[rank].host})"


RESUME = "--resume goes on from the last checkpoint."


def _say(text: str) -> None:
    print(f"esmaml: {text}", file=sys.stderr, flush=True)
