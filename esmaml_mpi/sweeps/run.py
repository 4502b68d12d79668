"""The ``sweep`` command: list the runs of an experiment file, complete them here, or train one of them."""

import argparse
import fnmatch
import json
import os
import shlex
import shutil
from collections import Counter
from pathlib import Path

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import UsageError, UserError, counted
from esmaml_mpi.parallel.world import World
from esmaml_mpi.sweeps.experiment_file import PAPER
from esmaml_mpi.sweeps.plan import Run, Sweep
from esmaml_mpi.sweeps.queue import ranges
from esmaml_mpi.training.launch import agree, launch
from esmaml_mpi.training.standard_output import product, reader_left


def sweep(options: argparse.Namespace, world: World) -> int:
    """Carry the command out; returns the exit code."""
    if options.is_complete and options.index is None:
        raise UsageError("--is-complete: --index says of which run; --list says it of all.")
    if options.index is not None:
        return _train_one(options, world)
    if world.size > 1:
        agree(world, _refuse_ranks)
    try:
        return _whole(options)
    except UserError as error:
        error.known_to_all_ranks = True  # there is but this one
        raise


def _refuse_ranks() -> str:
    raise UsageError(
        'a sweep starts its runs itself: leave mpirun or srun out, give it as --launcher "mpirun -n 4", or train a '
        "single run with --index."
    )


def _whole(options: argparse.Namespace) -> int:
    plan = Sweep(options.experiment, options.size, options.set)
    folder, here = _folder(options, plan), os.getcwd()
    runs = plan.runs(options.only, resolved=not options.list)
    os.chdir(here)  # an environment of the user's may have gone elsewhere; none is used in this process any more
    if options.list:
        try:
            return _list(runs, folder, options)
        except BrokenPipeError:  # `esmaml sweep FILE --list | head`
            return reader_left()
    return _complete(runs, folder, options)


def _train_one(options: argparse.Namespace, world: World) -> int:
    """One run with all ranks of this job."""
    here = os.getcwd()  # an environment of the user's may go elsewhere

    def prepare() -> str:
        plan = Sweep(options.experiment, options.size, options.set)
        run = plan.run(options.index, resolved=not options.is_complete)
        if options.only and not any(fnmatch.fnmatchcase(run.name, each) for each in options.only):
            only = " ".join(options.only)
            raise UsageError(f"--only {only}: no run is called so; for example {run.name} is one.")
        return json.dumps({"config": run.config.to_dict(), "output": str(run.file(_folder(options, plan)))})

    told = json.loads(agree(world, prepare))
    if options.is_complete:
        from esmaml_mpi.sweeps.state import say_state  # it reads files, which workers do not

        return say_state(world, Config.parsed(told["config"], opened=False), (), told["output"])
    if world.rank == 0 and not options.quiet:
        print(f"run {options.index}: {told['output']}", flush=True)
    how = dict(resume=True, overwrite=False, quiet=options.quiet, here=here)
    return launch(world, Config.from_dict(told["config"]), (), told["output"], **how)


def _complete(runs: list[Run], folder: Path, options: argparse.Namespace) -> int:
    from esmaml_mpi.sweeps.local import Local, cores
    from esmaml_mpi.sweeps.state import COMPLETE, REFUSED, state_of

    states = [state_of(run.file(folder), run.config) for run in runs]
    refused = [state.reason for state in states if state.kind == REFUSED]
    if refused:
        raise UsageError(
            "\n  ".join(["nothing was started, as results of other runs are in the way:", *refused])
            + "\n  Choose another --output, or leave these runs out with --only."
        )
    launcher = _launcher(options.launcher)
    left = [run for run, state in zip(runs, states, strict=True) if state.kind != COMPLETE]
    done = len(runs) - len(left)

    def say(text: str) -> None:
        if not options.quiet:
            print(text, flush=True)

    if not left:
        say(f"{folder}: {'the run is' if done == 1 else f'all {done} runs are'} complete")
        return 0
    threads = max(run.config.run.threads for run in left)
    jobs = min(options.jobs or (1 if launcher else max(cores() // threads, 1)), len(left))
    say(f"{folder}: {counted(len(runs), 'run')}, {done} complete; {jobs} at once")
    return Local(folder, jobs, launcher, Path(options.experiment).resolve().parent, say, done).run(left)


def _launcher(command: str) -> list[str]:
    """Its words, if there is such a command."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--launcher {command}: {error}.") from error
    if words and not shutil.which(words[0]):
        raise UsageError(f"--launcher {command}: there is no command {words[0]} here.")
    return words


def _list(runs: list[Run], folder: Path, options: argparse.Namespace) -> int:
    from esmaml_mpi.sweeps.state import state_of

    states = [state_of(run.file(folder), run.config, resolved=False) for run in runs]
    width = max(len(run.name) for run in runs)
    for run, state in zip(runs, states, strict=True):
        product(f"{run.index:5}  {run.name:{width}}  {run.file(folder)}  {state}{state.reason and ': ' + state.reason}")
    kinds = Counter(state.kind for state in states)
    product(f"{counted(len(runs), 'run')}: {', '.join(f'{number} {kind}' for kind, number in kinds.items())}")
    words = [options.experiment, *(["--size", options.size] if options.size != PAPER else [])]
    words += [word for override in options.set for word in ("--set", override)]
    words += ["--output", options.output] if options.output else []
    array = ranges([run.index for run in runs])
    product(f"as a job array: sbatch --array={array} jobs/sweep.slurm {shlex.join(words)}")
    return 0


def _folder(options: argparse.Namespace, plan: Sweep) -> Path:
    return Path(options.output or Path("results") / plan.name / plan.size)
