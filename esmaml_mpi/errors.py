"""Errors with a message for the user: shown as one line, without a traceback."""

import os
import traceback

MOST_WORDS = 1000  # characters of an exception's message


class UserError(Exception):
    """Something outside the program has to change. ``exit_code`` is the command's.

    As a text it can be shown by any terminal, whatever file the words in it are from.
    """

    exit_code = 1
    known_to_all_ranks = False  # set once the other ranks have been told to leave, so that the job need not be aborted

    def __str__(self) -> str:
        return printable(super().__str__())


class ConfigError(UserError, ValueError):
    """A setting is unknown, of the wrong type, or out of range."""

    exit_code = 2


class UsageError(UserError, ValueError):
    """The command asks for something that is refused; nothing was changed."""

    exit_code = 2


class UntrustedError(UsageError):
    """A file asks for code that the user has not: nothing was imported."""


class FamilyError(UserError):
    """A task family cannot be used: it breaks the contract of ``tasks/family.py``, or what it needs is missing."""

    exit_code = 2  # the configuration names it


class ResultsError(UserError):
    """A results file cannot be written or read."""


class TrainingError(UserError):
    """Training cannot go on."""


class WorldError(UserError):
    """The processes that were started are not the ones MPI sees."""


class Misfit(ValueError):
    """A user's environment gave what does not fit; perhaps in this episode alone. The message says where it was."""


class ToldToLeave(Exception):
    """Raised on the other ranks when rank 0 refuses to start; ``args[0]`` is the exit code."""


def printable(text: str) -> str:
    """A text that changes nothing of a terminal: what does not print, line ends excepted, is written as its code."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """As "1 iteration" or "1,200 iterations"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def in_words(error: BaseException) -> str:
    """An exception on one line, cut where it is long: some quote what they were given, a file's text for one."""
    if isinstance(error, Misfit):
        return str(error)
    try:
        text = " ".join(str(error).split())
        text = text if len(text) <= MOST_WORDS else text[:MOST_WORDS] + ".."
    except Exception:  # of an environment's own class
        text = "(its message cannot be shown)"
    return f"{type(error).__name__}: {text}".rstrip(": ")


def place(error: BaseException) -> str:
    """Where an exception was raised, as " (file.py, line 3)"; empty if nothing says so."""
    if isinstance(error, Misfit):
        return ""
    trace = traceback.extract_tb(error.__traceback__)
    return f" ({os.path.basename(trace[-1].filename)}, line {trace[-1].lineno})" if trace else ""
