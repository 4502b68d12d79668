"""Runs what the papers' claims name, in an order by what it costs and tells, and keeps the summary of every finished
run.

Examples: python analysis/campaign.py --list
          python analysis/campaign.py --jobs 2 --hours 24

A run is not made again if its summary is in docs/claims.json, or if its results file is complete; an unfinished file is
gone on with. INT, TERM and USR1 let the runs save, and exit with 75. The same command goes on.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import script
from campaign_order import ORDER
from claim_list import CLAIMS, named
from verdicts.points import CONFIGS, points_of
from verdicts.runs import places_of, runs_in
from verdicts.summary import Point, Summary

from esmaml_mpi.errors import UserError, counted
from esmaml_mpi.sweeps.plan import Sweep
from esmaml_mpi.training.progress import duration

STOPPED = 75
PAUSE = 0.5  # seconds between looks at the processes


@dataclass(frozen=True)
class Task:
    """A run to be made: a point with a seed."""

    point: Point
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """As of a run in the summary; runs of two experiments may be the same."""
        return self.point.config, self.seed

    def __str__(self) -> str:
        return f"{self.point.place} seed {self.seed}"


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Plan and run; returns the exit code."""
    code = [0]

    def work(options, note) -> None:
        code[0] = _work(options, note)

    return script.run(make_parser(), arguments, work, program) or code[0]


def plan(points: list[Point], order: tuple[tuple[str, str, str], ...]) -> list[Task]:
    """Every run once, batch by batch of ``order`` (experiment, size, pattern of points), seed by seed within one."""
    from fnmatch import fnmatchcase

    left, tasks, seen = list(points), [], set()
    for experiment, size, pattern in order:
        own = [p for p in left if (p.experiment, p.size) == (experiment, size) and fnmatchcase(p.name, pattern)]
        left = [point for point in left if point not in own]
        for seed in dict.fromkeys(seed for point in own for seed in point.seeds):
            for task in (Task(point, seed) for point in own if seed in point.seeds):
                # What differs in length alone is another run unless it is as long.
                key = (*task.key, task.point.iterations)
                if key not in seen:
                    seen.add(key)
                    tasks.append(task)
    if left:
        raise UserError(f"campaign_order.ORDER leaves out {', '.join(point.place for point in left)}.")
    return tasks


def is_done(task: Task, summary: Summary) -> bool:
    """Whether the summary has this run to its end."""
    return any(run.key == task.key and run.iterations >= task.point.iterations for run in summary.runs)


def _work(options, note) -> int:
    points = points_of(named(CLAIMS), note)
    kept = Summary.read(options.summary) if options.summary.exists() else Summary([], [])
    placed = [replace(run, places=places_of(run.config, run.seed, run.planned, points)) for run in kept.runs]
    if gone := sum(not run.places for run in placed):
        note(f"{counted(gone, 'run')} of the summary are of no point that a claim names, and left out")
    summary = Summary(points, [run for run in placed if run.places])
    summary = summary.joined(runs_in([options.results], points, note) if options.results.is_dir() else [])
    # A verdict would rest on how far a run has got that goes on later.
    summary = Summary(points, [run for run in summary.runs if run.iterations >= run.planned])
    summary.write(options.summary)
    tasks = [task for task in plan(points, ORDER) if not options.only or any(o in str(task) for o in options.only)]
    left = [task for task in tasks if not is_done(task, summary)]
    print(f"{counted(len(tasks), 'run')}, {len(tasks) - len(left)} done", flush=True)
    if options.list:
        for task in tasks:
            print(f"{'done' if task not in left else 'left'}  {task}")
        return 0
    return Campaign(options, note, summary).run(left)


class Campaign:
    """``options.jobs`` runs at once, each a process of its own, until ``options.hours`` are over."""

    def __init__(self, options, note, summary: Summary) -> None:
        self.options, self.note, self.summary = options, note, summary
        self.active: dict[subprocess.Popen, tuple[Task, Path, float]] = {}
        self.stopped = False
        self.failed: list[Task] = []
        self.end = time.monotonic() + 3600 * options.hours

    def run(self, left: list[Task]) -> int:
        """Complete these runs; returns the exit code: 75 if some are left, 1 if some failed."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(name, lambda *_: setattr(self, "stopped", True))
        waiting = list(left)
        told = False
        while self.active or (waiting and not self.stopped):
            self.stopped = self.stopped or time.monotonic() > self.end
            while waiting and len(self.active) < self.options.jobs and not self.stopped:
                self._start(waiting.pop(0))
            if self.stopped and not told:
                told = True
                for process in self.active:
                    process.send_signal(signal.SIGUSR1)
            for process in [each for each in self.active if each.poll() is not None]:
                self._ended(process, len(waiting))
            time.sleep(PAUSE)
        for task in self.failed:
            print(f"campaign: {task} failed", file=sys.stderr)
        return 1 if self.failed else STOPPED if waiting or self.stopped else 0

    def _start(self, task: Task) -> None:
        point = task.point
        folder = self.options.results / point.experiment / point.size
        folder.mkdir(parents=True, exist_ok=True)
        sweep = Sweep(CONFIGS / f"{point.experiment}.toml", point.size)
        run = sweep.runs([f"{point.name}_seed{task.seed}"], resolved=False)[0]
        command = [sys.executable, "-m", "esmaml_mpi", "sweep", str(sweep.path), "--size", point.size]
        command += ["--index", str(run.index), "--output", str(folder), "--quiet"]
        with open(folder / f"{run.name}.log", "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on once
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
            )
        self.active[process] = task, run.file(folder), time.monotonic()

    def _ended(self, process: subprocess.Popen, waiting: int) -> None:
        task, path, began = self.active.pop(process)
        if process.returncode == 0:
            self.summary = self.summary.joined(runs_in([path], self.summary.points, self.note))
            self.summary.write(self.options.summary)
        elif process.returncode != STOPPED and not self.stopped:
            self.failed.append(task)
        said = {0: "done", STOPPED: "stopped and saved"}.get(process.returncode, f"exit code {process.returncode}")
        took = duration(time.monotonic() - began)
        print(f"{time.strftime('%H:%M:%S')} {task}: {said} after {took}, {waiting} waiting", flush=True)


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = argparse.ArgumentParser(
        prog="campaign",
        allow_abbrev=False,
        description="Make the runs that the papers' claims name, in an order by what they cost and tell, and keep the "
        "summary of every finished one.",
    )
    root = CONFIGS.parent
    parser.add_argument("--jobs", metavar="N", type=script.count(1000), default=1, help="runs at once (default: 1)")
    parser.add_argument(
        "--hours", metavar="H", type=float, default=1e6, help="then save and stop (default: when all is done)"
    )
    parser.add_argument(
        "--only", metavar="TEXT", nargs="+", default=[], help="runs whose place, experiment/size/point, has such a text"
    )
    parser.add_argument("--list", action="store_true", help="say what is done and what is left, in order")
    parser.add_argument(
        "--results",
        metavar="FOLDER",
        type=Path,
        default=root / "results",
        help="where results files are (default: results beside analysis)",
    )
    parser.add_argument(
        "--summary",
        metavar="FILE",
        type=Path,
        default=root / "docs" / "claims.json",
        help="the summary that runs are added to (default: docs/claims.json)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
