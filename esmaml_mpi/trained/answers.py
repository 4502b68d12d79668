"""What somebody at a robot, or the last line of a trial's command, answers: a reward, or one of a few words."""

import math
import re
from dataclasses import dataclass

from esmaml_mpi.errors import UsageError
from esmaml_mpi.settings.fields import show

# word -> what is meant. A trial without a reward is one that has failed: operators that select bear it.
WORDS = {
    "failed": "skip",
    "fail": "skip",
    "nan": "skip",
    "-inf": "skip",
    "skip": "skip",
    "q": "quit",
    "quit": "quit",
    "undo": "undo",
    "list": "list",
    "best": "best",
    "help": "help",
    "?": "help",
}
HELP = """\
  -12.5             the reward of this trial; a decimal comma will do, and a remark may follow: 12.5  # slipped
  skip, failed      this trial has no reward (not for operators that need each)
  undo              take the last reward back, and try that policy again
  list              the rewards so far, with their remarks
  best              the best policy tried, and what would be returned now
  note TEXT         write down a remark on this trial
  quit              leave; the session goes on later from here"""
NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_REWARD = re.compile(rf"({NUMBER}|[+-]?inf(?:inity)?)(?:\s*#\s*(.*)|\s+(?!{NUMBER})(\S.*))?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234: a decimal comma, or one that groups thousands?


@dataclass(frozen=True)
class Answer:
    """``kind``: reward, skip, undo, list, best, note, help or quit; where it was asked so, again; or unknown.

    ``text`` is a remark, or a note.
    """

    kind: str
    value: float = math.nan
    text: str = ""


def answer(line: str, loose: bool = True) -> Answer:
    """What a line means; UsageError, with what is wanted, if it means nothing.

    ``loose``: a remark may follow without a #, as people write it; the last line of a program that says "3 warnings" is
    no reward, and one that says "failed to open the port" no trial.
    """
    line = line.strip().replace("\N{MINUS SIGN}", "-")
    word, _, rest = line.partition(" ")
    word, rest = word.lower(), rest.strip()
    if word == "note":
        if not rest:
            raise UsageError("note: the remark is wanted behind it, as in: note new battery.")
        return Answer("note", text=rest)
    if word in WORDS and (not rest or rest.startswith("#") or (loose and WORDS[word] == "skip")):
        return Answer(WORDS[word], text=rest.lstrip("# "))
    found = _REWARD.fullmatch(line)
    if found and found[3] and not loose:
        raise UsageError(f"{show(line)}: the number alone is wanted, or a # before what follows it.")
    if not found:
        raise UsageError(f"{show(line)}: a number is wanted, or skip, undo, list, best, note TEXT, help, quit.")
    number = found[1]
    if _GROUPED.fullmatch(number):
        raise UsageError(
            f"{number}: that may be {number.replace(',', '.')} or {number.replace(',', '')}; write it with a point, or "
            "without the comma."
        )
    return Answer("reward", float(number.replace(",", ".")), (found[2] or found[3] or "").strip())
