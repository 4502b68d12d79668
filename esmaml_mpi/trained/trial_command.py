"""Rewards from a program: each trial runs a command, whose last line of output is the reward."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from esmaml_mpi.errors import TrainingError, UsageError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.trained.answers import Answer, answer
from esmaml_mpi.trained.patience import WAKE_UP, Patience
from esmaml_mpi.trained.prompt import Prompt, carry_out, done
from esmaml_mpi.trained.session import Session

PLACE = "{policy}"
ATTEMPTS = 3  # of one trial, where nobody is there to be asked
GRACE = 5.0  # seconds that a command has to stop a robot's motors after it was asked to end
TAIL = 65536  # bytes of output in which the last line is looked for


class TrialFailed(Exception):
    """Why a command has given no reward, in words."""


class TrialCommand:
    """Runs ``command`` for each trial, with the path of the policy in place of ``{policy}``. No shell is involved.

    ``limit`` in seconds, None for none, ends a trial that takes longer. What fails is asked about at a terminal;
    without one it is tried ATTEMPTS times before it ends the program. The command's own errors stay on standard error.
    """

    def __init__(self, command: str, limit: float | None, path: Path, patience: Patience):
        """UsageError unless the command can be one."""
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"--command {show(command)}: {str(error).lower()}.") from None
        if not any(PLACE in word for word in self._words):
            raise UsageError(
                f"--command {show(command)}: {PLACE} is wanted in it, in place of the path of the policy to run."
            )
        self._limit, self._path, self._patience = limit, path, patience
        self._prompt = Prompt(path, patience)
        self._failures = 0

    def attempt(self, session: Session) -> bool:
        """Run one trial and tell its reward; False, and nothing told, if it was left."""
        session.write_trial(self._path)
        try:
            given = self._reward(session)
        except TrialFailed as failure:
            return self._failed(session, str(failure))
        if given is None:
            return False
        if not done(session, given):
            return self._failed(session, "its answer was refused")
        self._failures = 0
        return True

    def finished(self, session: Session) -> None:
        """Nothing is left to be tried."""
        self._path.unlink(missing_ok=True)

    def _failed(self, session: Session, failure: str) -> bool:
        """Whether to go on after a trial without an answer."""
        told = f"trial {session.trials + 1} of {session.total}: {failure}"
        somebody = sys.stdin is not None and sys.stdin.isatty()
        self._failures += not somebody
        if self._failures == ATTEMPTS:
            raise TrainingError(
                f"{told}; it was tried {ATTEMPTS} times. Session {session.path} has what was told before, and goes on "
                "when the command works."
            )
        print(f"esmaml: {told}", file=sys.stderr, flush=True)
        return self._asked(session) if somebody else True

    def _asked(self, session: Session) -> bool:
        """Ask somebody what to do, until it is done; False: leave."""
        while True:
            print("enter the reward, again to run the trial again, skip, undo or quit", flush=True)
            given = self._prompt.given(again=True)
            if given is None or given.kind == "quit":
                return False
            if given.kind == "again":
                return True
            if given.kind in ("reward", "skip", "undo"):
                if done(session, given):
                    return True
            else:
                carry_out(session, given)

    def _reward(self, session: Session) -> Answer | None:
        """The answer of one run; None after a signal to this program. TrialFailed if there is none."""
        words = [word.replace(PLACE, str(self._path)) for word in self._words]
        with tempfile.TemporaryFile() as output:
            code = self._run(words, output)
            if code is None:
                return None
            output.seek(max(output.tell() - TAIL, 0) if output.seek(0, os.SEEK_END) > TAIL else 0)
            lines = [line for line in output.read().decode(errors="replace").splitlines() if line.strip()]
        last = f", its last line was {show(lines[-1].strip())}" if lines else ", it printed nothing"
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise TrialFailed(f"{shlex.join(words)} {how}{last}")
        if not lines:
            raise TrialFailed(f"{shlex.join(words)} printed nothing; the reward is wanted on its last line")
        try:
            given = answer(lines[-1], loose=False)
        except UsageError as error:
            raise TrialFailed(f"the last line of {shlex.join(words)} is no reward: {error}") from None
        if given.kind not in ("reward", "skip"):
            raise TrialFailed(f"the last line of {shlex.join(words)} is no reward: {show(lines[-1].strip())}")
        return given

    def _run(self, words: list[str], output: IO[bytes]) -> int | None:
        """Exit code of the command; None after a signal to this program. TrialFailed if it cannot run, or is late."""
        try:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, start_new_session=True)
        except OSError as error:
            raise TrialFailed(f"{words[0]} cannot be run: {error.strerror or error}") from None
        end = time.monotonic() + self._limit if self._limit is not None else None
        try:
            while True:
                try:
                    return process.wait(WAKE_UP if end is None else max(min(WAKE_UP, end - time.monotonic()), 0.0))
                except subprocess.TimeoutExpired:
                    if self._patience.requested:
                        return None
                    if end is not None and time.monotonic() >= end:
                        raise TrialFailed(
                            f"{shlex.join(words)} has not ended after {self._limit:g} s (--limit)"
                        ) from None
        finally:
            _end(process)


def _end(process: subprocess.Popen) -> None:
    """End a command with all that it has started: asked first, so that it can stop a robot, then made to."""
    if process.poll() is not None:
        return
    for how, grace in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        os.killpg(process.pid, how)
        try:
            process.wait(grace)
            return
        except subprocess.TimeoutExpired:
            continue
