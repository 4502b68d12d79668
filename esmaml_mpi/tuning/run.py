"""The ``tune`` command on all ranks: rank 0 says which run comes next, and all train it."""

import argparse
import json
from collections.abc import Generator
from typing import TYPE_CHECKING

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ToldToLeave, UsageError, UserError, counted, in_words
from esmaml_mpi.parallel.world import World
from esmaml_mpi.sweeps.local import cores
from esmaml_mpi.training.interruption import Interruption
from esmaml_mpi.training.launch import agree, launch
from esmaml_mpi.training.loop import DONE, STOPPED
from esmaml_mpi.tuning.plan import JOURNAL, Plan

if TYPE_CHECKING:
    from esmaml_mpi.tuning.search import Job, Outcome
    from esmaml_mpi.tuning.study import Study


def tune(options: argparse.Namespace, world: World) -> int:
    """Carry the command out; returns the exit code."""
    if world.size == 1:
        try:
            return _alone(options, world)
        except UserError as error:
            error.known_to_all_ranks = True  # there is but this one
            raise
    if (options.jobs or 1) > 1 or options.report or options.is_complete:
        agree(world, _refuse_ranks)
    return _worker(options, world)


def _alone(options: argparse.Namespace, world: World) -> int:
    """The command of a single process."""
    if options.is_complete or options.report:
        return _told(options)
    plan, study = _opened(options)
    jobs = min(options.jobs or max(cores() // plan.own.run.threads, 1), plan.tune.settings.trials)
    if options.part or jobs == 1:
        code = _worker(options, world)
    else:
        from esmaml_mpi.tuning.workers import work

        code = work([*_words(options), "--part"], jobs)
    if not options.part:
        _conclude(study, code, options.quiet)
    return code


def _worker(options: argparse.Namespace, world: World) -> int:
    """Run after run, each by all ranks, until there is none."""
    part: _Part | None = None  # rank 0's, or its successor's

    with Interruption() as interruption:

        def prepare() -> str:
            nonlocal part
            part = part or _Part(options, interruption)
            return part.next()

        while True:
            told = json.loads(agree(world, prepare))
            if "code" in told:
                break
            watch = part.job.watch if part and part.job else None
            try:
                config = Config.from_dict(told["config"])
                how = dict(resume=True, overwrite=False, folders=told["modules"], quiet=True, callback=watch)
                outcome: Outcome = launch(world, config, (), told["output"], **how)
            except ToldToLeave as order:
                outcome = order.args[0]
            except UserError as error:
                if not error.known_to_all_ranks and world.size > 1:
                    raise
                outcome = error
            if part:
                part.outcome = outcome
    if world.rank == 0 and world.size > 1 and part:
        _conclude(part.study, told["code"], options.quiet)
    return int(told["code"])


class _Part:
    """Rank 0's side of a worker: what is trained next, and what came of it."""

    def __init__(self, options: argparse.Namespace, interruption: Interruption) -> None:
        from esmaml_mpi.tuning.search import Search

        self.plan, self.study = _opened(options)

        def say(text: str) -> None:
            if not options.quiet:
                print(text, flush=True)

        self.search = Search(self.study, say, lambda: interruption.requested)
        self.jobs: Generator[Job, Outcome, None] = self.search.jobs()
        self.job: Job | None = None
        self.outcome: Outcome = 0

    def next(self) -> str:
        """The next run as JSON, or the exit code."""
        try:
            self.job = next(self.jobs) if self.job is None else self.jobs.send(self.outcome)
        except StopIteration:
            return json.dumps({"code": STOPPED if self.search.stopped or self.search.stop() else DONE})
        folders = [str(self.plan.modules)]
        return json.dumps({"config": self.job.config.to_dict(), "output": str(self.job.output), "modules": folders})


def _opened(options: argparse.Namespace) -> "tuple[Plan, Study]":
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f'tuning needs Optuna ({in_words(error)}). Install it with: pip install "esmaml-mpi[tune]".'
        ) from error
    from esmaml_mpi.tuning.study import Study

    plan = Plan(options.experiment, options.size, options.set)
    return plan, Study(plan, plan.folder(options.output))


def _told(options: argparse.Namespace) -> int:
    """How far a study is, or its report; nothing is begun."""
    folder = Plan(options.experiment, options.size, options.set).folder(options.output)
    if not (folder / JOURNAL).exists():
        print(f"{folder}: missing", flush=True)
        return STOPPED
    from esmaml_mpi.tuning.confirmation import Confirmation
    from esmaml_mpi.tuning.report import report

    _, study = _opened(options)
    confirmation = Confirmation(study)
    complete = study.is_over() and not confirmation.left()
    if options.report:
        print(report(study), flush=True)
    else:
        kind = "complete" if complete else "incomplete"
        # jobs/batch.sh looks whether the tests have become more.
        tests = study.tests_made + (confirmation.tests_made if study.is_over() else 0)
        begun = counted(len(study.trials), "trial")
        print(f"{folder}: {kind}, {begun} begun, {tests} test{'s' * (tests != 1)} made", flush=True)
    return DONE if complete or options.report else STOPPED


def _conclude(study: "Study", code: int, quiet: bool) -> None:
    from esmaml_mpi.tuning.report import report, write_best

    if code != DONE:
        if not quiet:
            print(f"{study.shown}: {counted(len(study.trials), 'trial')} begun; the same command goes on", flush=True)
        return
    path = write_best(study)
    if not quiet:
        print(report(study), flush=True)
        print(f"{study.shown / path.name}: the best" if path else "no trial is complete: there is no best", flush=True)


def _refuse_ranks() -> str:
    raise UsageError(
        "all ranks of mpirun or srun train each run together: --jobs N, --report and --is-complete are for one process."
    )


def _words(options: argparse.Namespace) -> list[str]:
    """The command line again."""
    words = ["tune", options.experiment, "--size", options.size]
    words += [word for override in options.set for word in ("--set", override)]
    words += ["--output", options.output] if options.output else []
    return words + ["--quiet"] * options.quiet
