"""The ``esmaml`` command.

Exit codes: 0 done; 1 error; 2 bad usage or configuration; 75 stopped by a signal with a checkpoint written.
"""

import argparse
import io
import os
import sys
import traceback
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Parser
from esmaml_mpi.errors import ToldToLeave, UserError
from esmaml_mpi.training.interruption import ignore_late_signals, remember_early_signals
from esmaml_mpi.training.standard_output import enduring, product_apart, reader_left

if TYPE_CHECKING:  # loading it loads NumPy, before the numbers of threads are set below
    from esmaml_mpi.parallel.world import World

# In the order in which `esmaml --help` lists them. Each has a module of its name, loaded when it is wanted.
COMMANDS = (
    *("train", "evaluate", "render", "adapt", "info", "export", "sweep", "tune", "submit", "zoo"),
    *("plot", "report", "compare", "claims"),
    *("init", "selftest", "tasks", "config"),
)

# What these print is what was asked for, and may be read by a program.
PRINTING = ("config", "evaluate", "export", "info", "render", "submit", "sweep", "tasks", "zoo")

# Ranks share the cores: a BLAS thread pool in each would only fight. Set before NumPy is first imported.
for _name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ.setdefault(_name, "1")


def main(arguments: list[str] | None = None) -> int:
    """Run one command on this rank; returns its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    options = make_parser(words[0] if words else None).parse_args(words)
    trains = options.command in ("train", "tune") or (options.command == "sweep" and not options.list)
    if trains:
        remember_early_signals()
    if arguments is None and isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name need not be text
    with ExitStack() as output:
        if trains:
            output.enter_context(enduring())
        elif options.command in PRINTING:
            output.enter_context(product_apart(to_the_end=arguments is None))
        if not options.collective:
            return _alone(options)
        code = _collective(options)
    if trains and arguments is None:  # of a program that calls this function signals are its own business
        ignore_late_signals()
    return code


def _alone(options: argparse.Namespace) -> int:
    """A command of one process."""
    try:
        code: int = options.run(options)
        return code
    except UserError as error:
        return _complain(error)
    except BrokenPipeError:  # `esmaml tasks | head`
        return reader_left()


def _collective(options: argparse.Namespace) -> int:
    """A command that all ranks carry out together. Whatever raises on one rank ends the job on all."""
    from esmaml_mpi.parallel.connection import connect

    try:
        world = connect()
    except UserError as error:
        return _complain(error)
    try:
        code = _carried_out(options, world)
    except ToldToLeave as order:
        code = order.args[0]
    except UserError as error:
        code = _complain(error)
        if not error.known_to_all_ranks:
            world.abort(code)
    except MemoryError as error:
        print(
            f"esmaml: out of memory on rank {world.rank} of {world.size} ({error}). Take fewer ranks on a node, or "
            "make run.threads, adaptation.queries, task.batch_size, task.horizon or policy.hidden smaller.",
            file=sys.stderr,
            flush=True,
        )
        world.abort(1)
    except BaseException:
        print(
            f"esmaml: error on rank {world.rank} of {world.size}\n{traceback.format_exc()}", file=sys.stderr, flush=True
        )
        world.abort(1)
    world.close(code)
    return code


def _carried_out(options: argparse.Namespace, world: "World") -> int:
    """Run the command, from its beginning where ranks die before its work has begun."""
    from esmaml_mpi.parallel.rounds import Promoted
    from esmaml_mpi.parallel.world import RankLost

    while True:
        try:
            code: int = options.run(options, world)
            return code
        except RankLost:
            world.recover()
        except Promoted:  # rank 0 has died where nobody continues its work; the others have closed up
            pass
        if world.rank == 0:
            print(f"esmaml: ranks have died; the {world.size} that are left begin again", file=sys.stderr, flush=True)


def _complain(error: UserError) -> int:
    print(f"esmaml: {error}", file=sys.stderr, flush=True)
    return error.exit_code


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line: every command with its arguments, or the one ``command`` where there is one of this name."""
    parser = Parser(
        prog="esmaml",
        description="ES-MAML: meta-learning by evolution strategies. Under mpirun or srun all ranks work on one "
        "run. Without a launcher one process does it all.",
        epilog="Exit codes: 0 done; 1 error; 2 bad usage or configuration; 75 stopped by a signal "
        "(USR1, TERM, HUP, INT) with a checkpoint written.",
    )
    from esmaml_mpi import __version__

    parser.add_argument("--version", action="version", version=f"esmaml_mpi {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (command,) if command in COMMANDS else COMMANDS:
        import_module(f"esmaml_mpi.commands.{name}").add_parser(commands)
    return parser
