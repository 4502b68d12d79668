"""The ``esmaml`` command.

Exit codes: 0 done; 1 error; 2 bad usage or configuration; 75 stopped by a signal with a checkpoint written.
"""

import argparse
import os
import sys
import traceback
from contextlib import nullcontext

from esmaml_mpi import adapt_command, export_command, info_command, sweep_command
from esmaml_mpi.arguments import Parser, add_at, add_set, add_set_adaptation, positive
from esmaml_mpi.errors import ToldToLeave, UserError
from esmaml_mpi.interruption import remember_early_signals
from esmaml_mpi.output import enduring, reader_left

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
    options = make_parser().parse_args(arguments)
    trains = options.command == "train" or (options.command == "sweep" and not options.list)
    if trains:
        remember_early_signals()
    if options.collective:
        with enduring() if trains else nullcontext():
            return _collective(options)
    try:
        return options.run(options)
    except UserError as error:
        return _complain(error)
    except BrokenPipeError:  # `esmaml tasks | head`
        return reader_left()


def _collective(options) -> int:
    """A command that all ranks carry out together. Whatever raises on one rank ends the job on all."""
    from esmaml_mpi.parallel.world import connect

    try:
        world = connect()
    except UserError as error:
        return _complain(error)
    try:
        code = options.run(options, world)
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


def _complain(error: UserError) -> int:
    print(f"esmaml: {error}", file=sys.stderr, flush=True)
    return error.exit_code


def _train(options, world) -> int:
    from esmaml_mpi.launch import launch

    return launch(world, options.config, options.set, options.output, options.resume, options.overwrite)


def _evaluate(options, world) -> int:
    from esmaml_mpi.assess import evaluate_command

    try:
        return evaluate_command(options, world)
    except BrokenPipeError:  # `esmaml evaluate ... | head`; the ranks have done their work
        return reader_left()


def _render(options) -> int:
    from esmaml_mpi.rendering.command import render_command

    return render_command(options)


def _tasks(options) -> int:
    from esmaml_mpi.describe import describe_families, describe_family

    print(describe_family(options.name) if options.name else describe_families())
    return 0


def _config(options) -> int:
    from esmaml_mpi.config import load

    config = load(options.config or {}, options.set).resolved()
    if options.check:
        print(f"{options.config or 'the default configuration'} is valid")
    else:
        print(config.to_toml(comments=True), end="")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The command line: every command with its arguments."""
    parser = Parser(
        prog="esmaml",
        description="ES-MAML: meta-learning by evolution strategies. Under mpirun or srun all ranks "
        "work on one run; without a launcher one process does it all.",
        epilog="Exit codes: 0 done; 1 error; 2 bad usage or configuration; 75 stopped by a signal "
        "(USR1, TERM, INT) with a checkpoint written.",
    )
    from esmaml_mpi import __version__

    parser.add_argument("--version", action="version", version=f"esmaml_mpi {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train", help="meta-train, or continue training", description="Meta-train as the configuration says."
    )
    train.add_argument(
        "config", metavar="CONFIG", help="TOML file; `esmaml config` prints one with every setting explained"
    )
    add_set(train)
    train.add_argument("--output", metavar="FILE.h5", help="results file (default: results/NAME.h5, NAME = run.name)")
    existing = train.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume", action="store_true", help="continue an existing results file; starts a new one if there is none"
    )
    existing.add_argument("--overwrite", action="store_true", help="replace an existing results file")
    train.set_defaults(run=_train, collective=True)

    evaluate = commands.add_parser(
        "evaluate",
        help="adapt a trained meta-policy to test tasks",
        description="Adapt a trained meta-policy to test tasks and report its reward before and "
        "after. Randomness is fresh, not that of training.",
    )
    evaluate.add_argument("results", metavar="RESULTS", help="results file of a training run, running ones too")
    add_at(evaluate)
    evaluate.add_argument("--tasks", metavar="IDS", help="task ids, as 0,1,5-9 (default: the run's test tasks)")
    evaluate.add_argument(
        "--repeats", type=positive, default=20, metavar="N", help="adaptations per task (default: 20)"
    )
    evaluate.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the adaptations (default: 0)")
    add_set_adaptation(evaluate)
    evaluate.add_argument("--json", metavar="FILE", help="also write every return to this file; - for standard output")
    evaluate.set_defaults(run=_evaluate, collective=True)

    render = commands.add_parser(
        "render",
        help="video of the meta-policy and the adapted policy",
        description="A video of the meta-policy and the policy adapted from it, side by side on one task from the same "
        "start, or a picture of the paths of point tasks. Needs no display. One process.",
    )
    render.add_argument("results", metavar="RESULTS", help="results file of a training run, running ones too")
    help = ".mp4, .gif, or, for point tasks, .png (default: name of the results file, with .mp4)"
    render.add_argument("--output", metavar="FILE", help=help)
    render.add_argument("--overwrite", action="store_true", help="replace an existing file")
    render.add_argument("--task", type=int, metavar="ID", help="task id (default: the first of the run's test tasks)")
    add_at(render)
    render.add_argument("--seed", type=int, default=0, metavar="N", help="seed of adaptation and episodes (default: 0)")
    add_set_adaptation(render)
    render.add_argument("--width", type=int, default=480, metavar="PIXELS", help="of each panel (default: 480)")
    render.add_argument("--height", type=int, default=400, metavar="PIXELS", help="of each panel (default: 400)")
    help = "1: real time, or 20 steps a second where steps have no duration; 0.5: slow motion (default: 1)"
    render.add_argument("--speed", type=float, default=1.0, metavar="FACTOR", help=help)
    help = "frames a second (default: one for each step, but at most 30, in a GIF 20)"
    render.add_argument("--fps", type=float, metavar="N", help=help)
    render.set_defaults(run=_render, collective=False)

    adapt_command.add_parser(commands)
    info_command.add_parser(commands)
    export_command.add_parser(commands)
    sweep_command.add_parser(commands)
    tasks = commands.add_parser(
        "tasks",
        help="list task families, or one family's options",
        description="List the task families; with a name, that family's options with their defaults.",
    )
    tasks.add_argument("name", nargs="?", metavar="NAME", help="a family, to see its options")
    tasks.set_defaults(run=_tasks, collective=False)

    config = commands.add_parser(
        "config",
        help="print or check a configuration",
        description="Print the resolved configuration, every setting explained; the defaults if no file is given.",
    )
    config.add_argument("config", nargs="?", metavar="CONFIG", help="TOML file")
    add_set(config)
    config.add_argument("--check", action="store_true", help="only say whether it is valid")
    config.set_defaults(run=_config, collective=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
