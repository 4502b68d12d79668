"""Arguments that several commands share, and the parser that knows what a misspelt one was to be."""

import argparse
import os
import sys
from typing import Any, TextIO, TypeAlias


class Formatter(argparse.HelpFormatter):
    """As wide as the terminal, like the one it is of. That one asks ``shutil``, which loads compression libraries into
    every rank.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=columns() - 2)


class Parser(argparse.ArgumentParser):
    """Names the nearest command or option where one is not known. Subparsers are of this class too.

    A ``verbatim`` one takes all that follows as ``arguments``, `--help` as well: they are for a parser of their own.
    ``takes_options``: options whose values are options of another program, and may begin with a dash.
    """

    verbatim = False
    takes_options: tuple[str, ...] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        # Scripts look for --output among the arguments, and would not know --out.
        super().__init__(*args, **{"formatter_class": Formatter, "allow_abbrev": False, **options})

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        # Of a job script's variable that is not set: nothing is to be written to the default place instead. A
        # subparser looks at its own.
        if "" in arg_strings and action.default != "" and action.nargs not in (argparse.PARSER, argparse.REMAINDER):
            raise argparse.ArgumentError(action, "it is empty, and a value is wanted")
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += _nearest(str(value), [str(choice) for choice in action.choices or ()])
            raise

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As the base class does; a subparser refuses what it does not know, where its own options can be named."""
        if self.verbatim:
            self.set_defaults(arguments=list(args))
            args = []
        if self.takes_options and args:
            args = _joined(list(args), self.takes_options)
        known, unknown = super().parse_known_args(args, namespace)
        if unknown and self.get_default("run"):
            options = [name for action in self._actions for name in action.option_strings]
            hints = (_nearest(each.partition("=")[0], options) for each in unknown if each.startswith("-"))
            self.error(f"unrecognized arguments: {' '.join(unknown)}{next(filter(None, hints), '')}")
        return known, unknown


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # what `add_parser` of a command adds itself to


def columns(stream: TextIO | None = None) -> int:
    """How wide the terminal is that ``stream`` goes to, or standard output; 80 where there is none."""
    if (given := os.environ.get("COLUMNS", "")).isdigit() and int(given):
        return int(given)
    try:
        return os.get_terminal_size((stream or sys.__stdout__).fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80


def _joined(words: list[str], options: tuple[str, ...]) -> list[str]:
    """Each of these options and its value as one word, --option=value."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in options:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _nearest(word: str, words: list[str]) -> str:
    import difflib  # of those who are mistaken

    near = difflib.get_close_matches(word, words, n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


def add_at(parser: argparse.ArgumentParser, default: str | None = "last") -> None:
    """Which of a run's parameters; ``default`` None tells one that was not given from one that was."""
    parser.add_argument(
        "--at",
        default=default,
        metavar="WHEN",
        help="which parameters: last, best (by test reward), or an iteration (default: last)",
    )


def add_set(parser: argparse.ArgumentParser) -> None:
    """Overrides of a configuration."""
    _add_set(parser, "SECTION.KEY=VALUE", "override one setting, e.g. meta.sigma=0.05; repeatable")


def add_set_adaptation(parser: argparse.ArgumentParser) -> None:
    """Overrides of how a trained meta-policy is adapted, and for how many steps its episodes last."""
    example = "adapt otherwise than in training, e.g. adaptation.queries=5, or task.horizon=500; repeatable"
    _add_set(parser, "adaptation.KEY=VALUE", example)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Whether code that a file names may be imported."""
    help = "import code of the user's that the file names, as an environment or an operator: only if you trust the file"
    parser.add_argument("--trust", action="store_true", help=help)


def add_is_complete(parser: argparse.ArgumentParser) -> None:
    """Whether to train at all: job scripts ask how far a run is, which no launcher's exit code tells."""
    help = "train nothing: say how far the run is; exit code 0 if it is complete, 75 if it is not"
    parser.add_argument("--is-complete", action="store_true", help=help)


def positive(text: str) -> int:
    """The type of an argument that is an integer >= 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _add_set(parser: argparse.ArgumentParser, metavar: str, help: str) -> None:
    parser.add_argument("--set", action="append", default=[], metavar=metavar, help=help)
