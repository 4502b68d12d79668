"""The ``submit`` command: a run, or the runs of an experiment file that are not complete, as Slurm jobs."""

import argparse
import hashlib
import os
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from esmaml_mpi.config.loading import load, read_tables
from esmaml_mpi.errors import UsageError, UserError, counted
from esmaml_mpi.sweeps import queue
from esmaml_mpi.sweeps.experiment_file import PAPER
from esmaml_mpi.sweeps.plan import Run, Sweep
from esmaml_mpi.sweeps.state import COMPLETE, REFUSED, State, state_of
from esmaml_mpi.training.standard_output import product

OFFSET = "ESMAML_ARRAY_OFFSET"  # jobs/sweep.slurm adds it to the array's index


@dataclass(frozen=True)
class Entry:
    """A run, how far its file is, and what Slurm says: its job's state in the queue, and how the last one ended."""

    run: Run
    state: State
    waits: str
    ended: str

    @property
    def due(self) -> bool:
        """Whether it is to be submitted."""
        return self.state.kind != COMPLETE and not self.state.writer and not self.waits

    def __str__(self) -> str:
        said = str(self.state)
        if self.waits:
            return f"{said}; {self.waits.lower()} in the queue"
        return f"{said}; its last job: {self.ended.lower()}" if self.ended and self.state.kind != COMPLETE else said


def submit(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    sections = read_tables(options.config)
    if "tune" in sections and "sweep" not in sections:
        raise UsageError(
            f"{options.config} is a search of settings, not a run: `sbatch --array=0-9 jobs/tune.slurm "
            f"{shlex.quote(str(options.config))}` gives it to ten jobs, and `esmaml tune` runs it here."
        )
    plan = Sweep(options.config, options.size, options.set) if "sweep" in sections else None
    if plan is None and (options.size != PAPER or options.only or options.at_once):
        raise UsageError(f"--size, --only and --at-once are of experiment files, and {options.config} is a single run.")
    script = Path(options.jobs) / ("train.slurm" if plan is None else "sweep.slurm")
    if not script.is_file():
        raise UsageError(
            f"there is no {script}: submit from the folder that jobs/ is in, or name jobs/ with --jobs; `esmaml init "
            "FOLDER` lays one out."
        )
    runs, places = _runs(plan, options)
    name = _name(options, places[0] if plan is None else places[0].parent)
    limit = _limit(options)
    offsets = range(0, 1 if plan is None else len(plan), limit)
    waits, ended = (_told(ask, name, offsets, options.dry_run) for ask in (queue.queued, queue.ended))
    entries = [
        Entry(run, state_of(place, run.config, resolved=False), waits.get(run.index, ""), ended.get(run.index, ""))
        for run, place in zip(runs, places, strict=True)
    ]
    if options.status:
        for entry in entries:
            product(f"{entry.run.name}  {entry}" if plan is None else f"{entry.run.index:5}  {entry.run.name}  {entry}")
        return 0
    if refused := [entry.state.reason for entry in entries if entry.state.kind == REFUSED]:
        raise UsageError("\n  ".join(["nothing was submitted, as results of other runs are in the way:", *refused]))
    due = [entry.run.index for entry in entries if entry.due]
    others = len(entries) - len(due)
    if not due:
        product(f"nothing to submit: {counted(others, 'run')} complete, running or in the queue")
        return 0
    words = [str(script), options.config, *_words(options)]
    for line in _lines(due, 0 if plan is None else len(plan), name, limit, script, words, options):
        if options.dry_run:
            product(shlex.join(line))
        else:
            product(f"{shlex.join(line)}\n  job {queue.submit([line[0], '--parsable', *line[1:]])}")
    product(f"{counted(len(due), 'run')} {'to submit' if options.dry_run else 'submitted'}, {others} left out")
    return 0


def _lines(
    due: list[int], total: int, name: str, limit: int, script: Path, words: list[str], options: argparse.Namespace
) -> list[list[str]]:
    """The sbatch commands: one for a single run (``total`` 0), one for each part of an array."""
    given, export = _given(options)
    sbatch = ["sbatch", *given]
    if (home := script.resolve().parent.parent) != Path.cwd():
        if "," in str(home):
            raise UsageError(
                f"--jobs {options.jobs}: sbatch hands no folder on that has a comma in its name, as {home}."
            )
        export.append(f"ESMAML_HOME={home}")  # where the scripts find the others
    if options.ranks:
        sbatch.append(f"--ntasks={options.ranks}")
    if total == 0:
        return [[*sbatch, f"--job-name={name}", *_export(export), *words]]
    lines = []
    for offset in range(0, total, limit):
        own = [index - offset for index in due if offset <= index < offset + limit]
        if own:
            variables = _export([*export, *([f"{OFFSET}={offset}"] if offset else [])])
            most = f"%{options.at_once}" if options.at_once else ""
            array = [f"--array={queue.ranges(own)}{most}", f"--job-name={_part(name, offset)}"]
            lines.append([*sbatch, *array, *variables, *words])
    return lines


def _given(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The words of --sbatch without --export, and what is exported; UsageError for what this command decides."""
    words, kept, export = iter(shlex.split(options.sbatch)), [], ["ALL"]
    for word in words:
        name, _, value = word.partition("=")
        if name == "--array" or word.startswith("-a"):
            raise UsageError(
                f"--sbatch {word}: of an experiment file the array has the runs that are due, and --at-once N limits "
                "how many run; seeds of a single run are jobs/seeds.slurm's."
            )
        if name == "--job-name" or word.startswith("-J"):
            raise UsageError(f"--sbatch {word}: the names of jobs are this command's, which finds runs by them.")
        if name == "--export":
            export = (value if "=" in word else next(words, "ALL")).split(",")
        else:
            kept.append(word)
    return kept, export


def _export(names: list[str]) -> list[str]:
    """The option of sbatch for these variables; none where they are all that are there."""
    if names[0] == "NONE" and len(names) > 1:
        raise UsageError(f"--sbatch --export=NONE: {', '.join(names[1:])} is to be handed on; give ALL, or names.")
    return [f"--export={','.join(names)}"] if names != ["ALL"] else []


def _runs(plan: Sweep | None, options: argparse.Namespace) -> tuple[list[Run], list[Path]]:
    """The runs, and the results file of each."""
    if plan is None:
        config = load(options.config, options.set)
        name = os.path.basename(options.config).removesuffix(".toml")  # as jobs/train.slurm does
        return [Run(queue.ALONE, name, "", config)], [Path(options.output or Path("results") / f"{name}.h5")]
    runs = plan.runs(options.only, resolved=False)
    folder = Path(options.output or Path("results") / plan.name / plan.size)
    return runs, [run.file(folder) for run in runs]


def _name(options: argparse.Namespace, place: Path) -> str:
    """The name of the jobs, by which Slurm is asked for them: another one for each file or folder of results."""
    size = "" if options.size == PAPER else f"-{options.size}"
    digest = hashlib.sha256(os.fsencode(place.resolve())).hexdigest()[:6]
    return f"esmaml-{Path(options.config).stem}{size}-{digest}"


def _told(
    ask: Callable[[str], dict[int, str]], name: str, offsets: Iterable[int], slurm_may_miss: bool
) -> dict[int, str]:
    """What Slurm answers of the jobs of each part, by the index of the run."""
    found: dict[int, str] = {}
    for offset in offsets:
        try:
            told = ask(_part(name, offset))
        except UserError:
            if not slurm_may_miss:
                raise
        else:
            found |= {i if i == queue.ALONE else offset + i: state for i, state in told.items()}
    return found


def _limit(options: argparse.Namespace) -> int:
    """How many indices an array may have."""
    try:
        return queue.array_limit()
    except UserError as error:
        if not options.dry_run:
            raise
        product(f"# {error}")
        return queue.DEFAULT_LIMIT


def _words(options: argparse.Namespace) -> list[str]:
    words = ["--size", options.size] if options.size != PAPER else []
    words += [word for override in options.set for word in ("--set", override)]
    return words + (["--output", options.output] if options.output else [])


def _part(name: str, offset: int) -> str:
    """The name of the jobs of a part of an array."""
    return f"{name}-from{offset}" if offset else name
