"""The scripts of analysis/ as commands: the same code that `python analysis/...` runs."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.commands.shipped import folder
from esmaml_mpi.errors import UsageError, in_words

NEEDED = ("matplotlib", "scipy")


def add_script(
    commands: Commands,
    name: str,
    help: str,
    description: str,
    run: Callable[[argparse.Namespace], int],
    scripts: dict[str, str],
) -> None:
    """Add a command that hands its arguments on; ``run`` finds them in ``options.arguments``.

    ``scripts``: what is typed -> the script that it calls, for those who list them.
    """
    command = commands.add_parser(name, help=help, description=description)
    command.verbatim = True
    command.set_defaults(run=run, collective=False, scripts=scripts)


def run_script(script: str, program: str, arguments: list[str]) -> int:
    """Call a script, which calls itself ``program``; returns its exit code."""
    code: int = load(script, program).main(arguments, program)
    return code


def load(script: str, program: str) -> ModuleType:
    """A script as a module, which finds its siblings by plain names; UsageError where its libraries are missing."""
    for library in NEEDED:
        try:
            import_module(library)
        except ImportError as error:
            raise UsageError(
                f'{program} needs {library} ({in_words(error)}). Install it with: pip install "esmaml-mpi[analysis]".'
            ) from error
    place = str(folder("analysis"))
    if place not in sys.path:
        sys.path.insert(0, place)
    return import_module(script)
