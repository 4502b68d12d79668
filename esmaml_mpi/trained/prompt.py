"""Rewards from somebody at a robot: one line of standard input answers for each trial."""

import sys
from pathlib import Path

from esmaml_mpi.errors import UsageError
from esmaml_mpi.trained.answers import HELP, Answer, answer
from esmaml_mpi.trained.patience import Patience
from esmaml_mpi.trained.session import Session, Trial

EXPLANATION = """\
A trial: load the policy in {path} on the robot (examples/robot_driver.py does, with NumPy alone), let it act for one
episode, and add up the reward of its steps. Enter that number; help lists what else can be entered."""


class Prompt:
    """Asks for the reward of each trial after its policy was written to ``path``."""

    def __init__(self, path: Path, patience: Patience):
        self._path, self._patience = path, patience
        self._explained = False

    def attempt(self, session: Session) -> bool:
        """Ask until a reward was told or taken back; False, and nothing told, if the answer is to leave."""
        session.write_trial(self._path)
        if not self._explained:
            print(EXPLANATION.format(path=self._path), flush=True)
            self._explained = True
        while True:
            print(
                f"trial {session.trials + 1} of {session.total}: run {self._path} and enter its reward"
                f"{_standing(session)}",
                flush=True,
            )
            given = self.given()
            if given is None or given.kind == "quit":
                return False
            if given.kind in ("reward", "skip", "undo"):
                if done(session, given):
                    return True
            else:
                carry_out(session, given)

    def finished(self, session: Session) -> None:
        """Nothing is left to be tried."""
        self._path.unlink(missing_ok=True)

    def given(self, again: bool = False) -> Answer | None:
        """The next answer, of the kind "unknown" if it means nothing; None at the end of the input, or after a signal.

        With ``again`` that word is an answer too.
        """
        line = self._patience.line(sys.stdin.buffer.readline)
        if line is None:
            return None
        try:
            return Answer("again") if again and line.lower() == "again" else answer(line)
        except UsageError as error:
            print(f"esmaml: {error}", file=sys.stderr, flush=True)
            return Answer("unknown")


def done(session: Session, given: Answer) -> bool:
    """Tell a reward, skip or undo, and say so; False if that is refused."""
    try:
        if given.kind == "undo":
            last = session.undo()
            print(f"taken back: {shown(last)}", flush=True)
            return True
        session.tell(given.value, given.text)
    except UsageError as error:
        print(f"esmaml: {error}", file=sys.stderr, flush=True)
        return False
    print(f"told: {shown(session.history[-1])}", flush=True)
    return True


def carry_out(session: Session, given: Answer) -> None:
    """An answer that tells no reward."""
    if given.kind == "note":
        try:
            session.note(given.text)
        except UsageError as error:
            print(f"esmaml: {error}", file=sys.stderr, flush=True)
            return
        print(f"noted for trial {session.trials + 1}: {session.note_under_way}", flush=True)
    elif given.kind == "list":
        print("\n".join(f"  {shown(trial)}" for trial in session.history) or "  no trial yet", flush=True)
    elif given.kind == "best":
        print(session.confidence, flush=True)
    elif given.kind == "help":
        print(HELP, flush=True)


def shown(trial: Trial) -> str:
    """A line of the history."""
    reward = "no reward" if trial.reward == -float("inf") else f"reward {trial.reward!r}"
    return f"trial {trial.number}, {reward}" + (f"  # {trial.note}" if trial.note else "")


def _standing(session: Session) -> str:
    """Last and best reward, where there are some."""
    if not session.trials:
        return ""
    last, best = (f"{value:.6g}" if value > -float("inf") else "none" for value in _last_and_best(session))
    return f" (last {last}, best {best})"


def _last_and_best(session: Session) -> tuple[float, float]:
    return session.history[-1].reward, session.best_reward
