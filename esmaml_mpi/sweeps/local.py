"""The runs of a sweep on this machine, each a process of its own, several at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from esmaml_mpi.errors import UsageError, counted
from esmaml_mpi.results.replacing import check_replaceable
from esmaml_mpi.sweeps.plan import Run
from esmaml_mpi.sweeps.state import COMPLETE, INCOMPLETE, State, state_of
from esmaml_mpi.training.interruption import Interruption
from esmaml_mpi.training.loop import STOPPED
from esmaml_mpi.training.progress import duration

FAILED = 1
PAUSE = 0.1  # seconds between looks at the processes
# As in jobs/keepalive.sh: the daemons of Open MPI's mpirun find a silent node within 45 seconds, and not within 480.
KEEPALIVE = {
    "PRTE_MCA_oob_tcp_keepalive_time": "10",
    "PRTE_MCA_oob_tcp_keepalive_intvl": "5",
    "PRTE_MCA_oob_tcp_keepalive_probes": "7",
}


@dataclass
class Active:
    """A run that is under way."""

    run: Run
    process: subprocess.Popen
    start: float
    begun_at: int  # the iteration that its file held


@dataclass
class Local:
    """Runs processes, ``jobs`` at once, for ``folder``; ``launcher``: words to put in front of each, as mpirun -n 4.

    Every run leaves NAME.h5, NAME.log and NAME.toml, the configuration that it was started with.
    """

    folder: Path
    jobs: int
    launcher: list[str]
    modules: Path  # where modules of the user's are looked for: beside the experiment file
    say: Callable[[str], None]  # takes what goes well; failures are said on stderr in any case
    done: int = 0  # runs that are complete, those from before included
    total: int = 0
    active: list[Active] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)  # seconds that the last finished run of a point has taken
    failed: list[Run] = field(default_factory=list)
    stopped: bool = False
    elsewhere: int = 0  # runs that another process has

    def run(self, runs: list[Run]) -> int:
        """Complete these runs; returns the exit code.

        A run that fails does not keep the others from running. Signals stop all, with their checkpoints written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the folder {self.folder}: {error.strerror}.") from error
        waiting, self.total = list(runs), self.done + len(runs)
        with Interruption() as interruption:
            try:
                while self.active or (waiting and not interruption.requested):
                    while waiting and len(self.active) < self.jobs and not interruption.requested:
                        self._start(waiting.pop(0))
                    if interruption.requested and not self.stopped:
                        self._stop()
                    self._collect(waiting)
                    time.sleep(PAUSE if self.active else 0)
            finally:  # a second Ctrl-C, or an error here: nothing is left behind
                for each in self.active:
                    each.process.terminate()
                for each in self.active:
                    each.process.wait()
        return self._conclude(len(waiting))

    def _start(self, run: Run) -> None:
        state = state_of(run.file(self.folder), run.config)
        if self._taken(run, state):  # looked at again: another sweep may work in this folder
            return
        config = self.folder / f"{run.name}.toml"
        command = [*self.launcher, sys.executable, "-m", "esmaml_mpi", "train", str(config)]
        command += ["--output", str(run.file(self.folder)), "--resume", "--modules", str(self.modules)]
        try:
            check_replaceable(config, "its configuration ", b"[run]\nname = ")
            config.write_text(run.config.to_toml(), encoding="utf-8")
            with open(self._log(run), "ab") as log:
                # In a session of its own, so that Ctrl-C reaches the sweep alone, which passes it on once.
                process = subprocess.Popen(
                    command,
                    env={**KEEPALIVE, **os.environ},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except UsageError as error:
            self.failed.append(run)
            self._say(f"{run.name}: FAILED before it began, {error}")
            return
        except OSError as error:  # as where the disk is full: the runs that are under way may still save
            self.failed.append(run)
            self._say(f"{run.name}: FAILED before it began, {error.strerror}: {error.filename}")
            return
        self.active.append(Active(run, process, time.monotonic(), state.iteration))

    def _taken(self, run: Run, state: State) -> bool:
        """Whether another process has, or has completed, this run; which is then said and counted."""
        if state.kind != COMPLETE and not state.writer:
            return False
        self.elsewhere += state.kind != COMPLETE
        self.done += state.kind == COMPLETE
        self._say(f"{run.name}: {state}, left alone")
        return True

    def _stop(self) -> None:
        self.stopped = True
        self._say(f"stopping: {counted(len(self.active), 'run')} to finish an iteration and save")
        for each in self.active:
            each.process.send_signal(signal.SIGUSR1)  # which mpirun passes on to its ranks

    def _collect(self, waiting: list[Run]) -> None:
        for each in [each for each in self.active if each.process.poll() is not None]:
            self.active.remove(each)
            seconds, code = time.monotonic() - each.start, each.process.returncode
            self._ended(each, seconds, code, state_of(each.run.file(self.folder), each.run.config), waiting)

    def _ended(self, each: Active, seconds: float, code: int, state: State, waiting: list[Run]) -> None:
        """The file says whether a run is complete, not the exit code: launchers end with 0 when ranks were killed."""
        name = each.run.name
        if state.kind == COMPLETE and code != UsageError.exit_code:
            self.done += 1
            self.times[each.run.point] = seconds
            self._say(f"{name}: done in {duration(seconds)}{self._left(waiting)}")
        elif code == STOPPED or (self.stopped and code == -signal.SIGUSR1):  # the latter: it was only starting
            self.stopped = True
            self._say(f"{name}: stopped and saved")
        elif code == UsageError.exit_code and self._taken(each.run, state):
            pass  # another sweep was a little faster
        elif code not in (FAILED, UsageError.exit_code) and state.iteration > each.begun_at and not self.stopped:
            waiting.insert(0, each.run)
            self._say(f"{name}: ended by {_ending(code)} at {state}; it goes on from there")
        else:
            self.failed.append(each.run)
            place = f" at {state}" if state.kind == INCOMPLETE else ""
            self._say(f"{name}: FAILED with {_ending(code)}{place}, see {self._log(each.run)}")

    def _left(self, waiting: list[Run]) -> str:
        """Time left if a run takes as long as the last one of its point, or as points do on average."""
        if self.stopped or not (waiting or self.active):
            return ""
        mean, now = sum(self.times.values()) / len(self.times), time.monotonic()
        under_way = [max(self.times.get(each.run.point, mean) - (now - each.start), 0.0) for each in self.active]
        ahead = [self.times.get(run.point, mean) for run in waiting]
        left = max(sum([*ahead, *under_way]) / self.jobs, max(under_way, default=0.0))
        return f", about {duration(left)} left"

    def _conclude(self, waiting: int) -> int:
        for run in self.failed:
            print(f"esmaml: {run.name} failed: {_last_line(self._log(run))} ({self._log(run)})", file=sys.stderr)
        if self.failed:
            return FAILED
        if self.stopped or waiting:
            self.say(f"stopped: {self.done} of {self.total} runs done; the same command goes on")
            return STOPPED
        if self.elsewhere:
            self.say(f"{counted(self.elsewhere, 'run')} in the hands of other processes")
            return STOPPED
        return 0

    def _say(self, text: str) -> None:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        self.say(f"[{self.done}/{self.total} done{failed}] {text}")

    def _log(self, run: Run) -> Path:
        return self.folder / f"{run.name}.log"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        return f"its log cannot be read: {error.strerror}"
    return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")
