"""Disturb runs of six ranks on three nodes, which this makes of network namespaces, and print what happened.

    python tests/network/run.py [--short] [--only WORDS] [--trials N] [--bare] [--detector]

One line for each disturbance, with and without ``--with-ft ulfm``: seconds from the disturbance to the end of mpirun,
its exit code, whether the run was complete then, and whether the finished file, after a second start on what was left
of the nodes where it was not, has the bits of one process. Exit code 1 if a bit differs, a run does not resume, or a
job has to be ended; 77, with the reason, where there can be no nodes.

``--short``: the quickest ones (less than two minutes). ``--bare``: without the settings that jobs/ gives mpirun.
``--detector``: with Open MPI's own failure detector.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "parallel"))

from files import differences, iterations
from nodes import Nodes, Unavailable, end, environment, is_daemon, rank_of

CONFIG = """
[run]
seed = 5
[task]
horizon = 50
options.reward = "squared_distance"
[policy]
hidden = [8]
[adaptation]
queries = 10
[meta]
iterations = {iterations}
perturbations = 12
current_evaluations = 8
[test]
every = 500
repeats = 1
[checkpoint]
every = 25
"""
RANKS, LAST = 6, "n3"
ITERATIONS, FEW = 1000, 400  # with --short the latter
PATIENCE = 180.0  # seconds after the disturbance
ULFM = ["--with-ft", "ulfm"]


@dataclass(frozen=True)
class Disturbance:
    """``act`` disturbs; ``lost``: whether node n3 is gone for the second start."""

    name: str
    act: Callable[[Nodes], None]
    lost: bool = False
    short: bool = False


def ranks(nodes: Nodes, chosen: Callable[[int, str], bool]) -> list[int]:
    """Processes of the ranks for which ``chosen(rank, node)``."""
    found = [(rank_of(pid), node, pid) for node in nodes.names for pid in nodes.pids(node)]
    return [pid for rank, node, pid in found if rank is not None and chosen(rank, node)]


def kill_ranks(chosen: Callable[[int, str], bool]) -> Callable[[Nodes], None]:
    """SIGKILL these ranks."""
    return lambda nodes: [end(pid) for pid in ranks(nodes, chosen)] and None


def cable_away(seconds: float) -> Callable[[Nodes], None]:
    """Pull the cable of n3 and plug it in again."""

    def act(nodes: Nodes) -> None:
        nodes.plug(LAST, "down")
        time.sleep(seconds)
        nodes.plug(LAST, "up")

    return act


def kill_node(nodes: Nodes) -> None:
    """SIGKILL every process of n3, its daemon among them."""
    for pid in nodes.pids(LAST):
        end(pid)


def kill_daemon(nodes: Nodes) -> None:
    """SIGKILL the daemon of n3."""
    for pid in filter(is_daemon, nodes.pids(LAST)):
        end(pid)


def freeze(seconds: float) -> Callable[[Nodes], None]:
    """SIGSTOP a rank of n3 for so long."""

    def act(nodes: Nodes) -> None:
        victims = ranks(nodes, lambda rank, _: rank == RANKS - 1)
        for by in (signal.SIGSTOP, signal.SIGCONT):
            for pid in victims:
                end(pid, by)
            if by == signal.SIGSTOP:
                time.sleep(seconds)

    return act


DISTURBANCES = [
    Disturbance("none", lambda nodes: None, short=True),
    Disturbance("ranks of one node killed", kill_ranks(lambda _, node: node == LAST), short=True),
    Disturbance("rank 0 killed", kill_ranks(lambda rank, _: rank == 0)),
    Disturbance("all ranks killed", kill_ranks(lambda *_: True)),
    Disturbance("link of a node away for 5 s", cable_away(5.0)),
    Disturbance("link of a node away for 30 s", cable_away(30.0)),
    Disturbance("a node killed, its daemon too", kill_node, lost=True, short=True),
    Disturbance("a node silent for good", lambda nodes: nodes.plug(LAST, "down"), lost=True),
    Disturbance("the first node silent for good", lambda nodes: nodes.plug("n1", "down"), lost=True),
    Disturbance("a daemon killed", kill_daemon),
    Disturbance("a rank frozen for 70 s", freeze(70.0)),
]


@dataclass
class Outcome:
    """Of one trial."""

    seconds: float
    code: int | None  # None: it had to be ended
    complete: bool
    differs: str
    words: list[str]

    @property
    def good(self) -> bool:
        """Whether it ended by itself and no bit differs."""
        return self.code is not None and not self.differs


class Trials:
    """Runs in one folder, on these nodes."""

    def __init__(
        self, nodes: Nodes, folder: Path, iterations: int, settings: bool, more: list[str], chance: random.Random
    ) -> None:
        self.nodes, self.folder, self.settings, self.more, self.chance = nodes, folder, settings, more, chance
        (folder / "run.toml").write_text(CONFIG.format(iterations=iterations))
        self.expected = folder / "expected.h5"
        subprocess.run(
            self.command(self.expected), check=True, env=environment(folder), stdout=subprocess.DEVNULL, timeout=300
        )

    def command(self, output: Path, *options: str) -> list[str]:
        """That trains."""
        return [
            sys.executable,
            "-m",
            "esmaml_mpi",
            "train",
            str(self.folder / "run.toml"),
            "--output",
            str(output),
            *options,
        ]

    def trial(self, disturbance: Disturbance, options: list[str]) -> Outcome:
        """Start, disturb once the first checkpoint is there, wait for the end; go on if it is not complete."""
        output, log = self.folder / "run.h5", self.folder / "log"
        for old in [*self.folder.glob("run.h5*"), *self.folder.glob("*.run.h5*"), log]:
            old.unlink(missing_ok=True)
        nodes = self.nodes
        job = nodes.mpirun(nodes.names, RANKS, [*options, *self.more], self.command(output), log, self.settings)
        deadline = time.monotonic() + PATIENCE
        while iterations(output) < 1 and job.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(self.chance.uniform(0.0, 1.0))
        began = time.monotonic()
        act = threading.Thread(target=disturbance.act, args=(nodes,), daemon=True)
        act.start()
        code: int | None
        try:
            code = job.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
            end(job.pid)
        seconds = time.monotonic() - began
        words = [line for line in log.read_text(errors="replace").splitlines() if "esmaml:" in line]
        act.join()
        complete = self.is_complete(output)
        left = nodes.names[:-1] if disturbance.lost else nodes.names
        time.sleep(1.0)
        self.nodes.clear()
        if not complete:
            again = nodes.mpirun(left, 2 * len(left), options, self.command(output, "--resume"), log, self.settings)
            try:
                again.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                end(again.pid)
            self.nodes.clear()
        same = self.is_complete(output) and not differences(self.expected, output)
        if not same:
            shutil.copy(log, self.folder / f"failed-{time.time():.0f}.log")
        return Outcome(seconds, code, complete, "" if same else "differs or is not complete", words)

    def is_complete(self, output: Path) -> bool:
        """What jobs/ ask."""
        ask = subprocess.run(
            self.command(output, "--is-complete"),
            env=environment(self.folder),
            capture_output=True,
            check=False,
            timeout=300,
        )
        return ask.returncode == 0


def main() -> int:
    """Run the disturbances that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--short", action="store_true", help="the quickest disturbances")
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose name has these words")
    parser.add_argument("--trials", type=int, default=1, help="of each (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants (default 0)")
    parser.add_argument("--bare", action="store_true", help="without the settings of jobs/keepalive.sh")
    parser.add_argument("--detector", action="store_true", help="with --mca mpi_ft_detector true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    chosen = [each for each in DISTURBANCES if options.only in each.name and (each.short or not options.short)]
    more = ["--mca", "mpi_ft_detector", "true"] if options.detector else []
    folder = Path(tempfile.mkdtemp(prefix="esmaml-network."))
    failed = 0
    try:
        with Nodes(folder / "nodes", 3) as nodes:
            trials = Trials(
                nodes, folder, FEW if options.short else ITERATIONS, not options.bare, more, random.Random(options.seed)
            )
            print(
                "| disturbance | mpirun | seconds to the end | exit code | complete | same bits, at once or resumed |"
            )
            print("|---|---|---|---|---|---|", flush=True)
            for disturbance in chosen:
                for ulfm in (ULFM, []):
                    for _ in range(options.trials):
                        outcome = trials.trial(disturbance, ulfm)
                        failed += not outcome.good
                        print(line(disturbance, ulfm, outcome), flush=True)
    except Unavailable as reason:
        print(reason)
        return 77
    finally:
        if failed:
            print(f"logs of what failed: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def line(disturbance: Disturbance, ulfm: list[str], outcome: Outcome) -> str:
    """Of the table; below it what the program said."""
    code = "had to be ended" if outcome.code is None else str(outcome.code)
    how = "yes" if not outcome.differs else f"NO: {outcome.differs}"
    cells = [disturbance.name, "ulfm" if ulfm else "plain", f"{outcome.seconds:.0f}", code]
    row = "| " + " | ".join([*cells, "yes" if outcome.complete else "no", how]) + " |"
    return "\n".join([row, *(f"    {word}" for word in outcome.words[:4])])


if __name__ == "__main__":
    sys.exit(main())
