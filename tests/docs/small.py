"""A program of the documentation in small: `small.py esmaml ARGUMENTS` or `small.py python FILE ARGUMENTS`.

What it trains has the overrides of the environment variable SMALL, and is over in a second or so.
"""

import os
import runpy
import sys

from esmaml_mpi.commands import main as cli
from esmaml_mpi.training import from_python as library

SMALL = os.environ["SMALL"].split()
SETS = [word for override in SMALL for word in ("--set", override)]
MORE = {"train": SETS, "sweep": SETS, "evaluate": ["--repeats", "2"], "render": ["--width", "120", "--height", "120"]}


def _train(config, overrides=(), *arguments, **options):
    return train(config, [*overrides, *SMALL], *arguments, **options)


train, library.train = library.train, _train
program, *arguments = sys.argv[1:]
if program == "esmaml":
    sys.exit(cli.main(arguments + MORE.get(arguments[0], [])))
sys.argv = arguments
sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
runpy.run_path(arguments[0], run_name="__main__")
