"""Results files, sessions, policies and configurations that somebody else has made or damaged, given to the commands.

    python tests/robustness/mutated_files.py --count 10000 --seed 1

Each input is given to a command in a process of its own, with a time limit. Counted are tracebacks, hangs, processes
that a signal ended, inputs that were changed or are gone, and opens of a file that an input leads to (Linux tells of
them). The exit code is 1 if there was one of these. ``--keep FOLDER`` keeps those inputs.
"""

import argparse
import ctypes
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from attacks import MOST_CHARACTERS, TINY
from hostile import bytewise, mangled, structural

import esmaml_mpi
import esmaml_mpi.sweeps.run  # loaded here, it need not be in every process
import esmaml_mpi.trained.evaluation
from esmaml_mpi.commands import main as cli

SECONDS = 30  # of processor time for one command: a busy machine is no hang
WAIT = 300  # seconds in all
BYTES = 3 * 2**30  # of address space
KINDS = ("results, structure", "results, bytes", "session, structure", "session, bytes", "policy", "configuration")
SHARES = (40, 20, 12, 8, 5, 15)
RESULTS = (
    "info FILE",
    "info FILE --json",
    "evaluate FILE --repeats 1",
    "evaluate FILE --repeats 1 --at best",
    "export FILE --csv out",
    "adapt FILE --session new.session --task 0 --trials 1",
    "train run.toml --resume --output FILE",
    "train run.toml --is-complete --output FILE",
    "info FILE --repair",
    "plot run FILE --output out.png",
    "plot learning_curves FILE --output out.png",
    "plot final_scores FILE",
    "report FILE --output out.html",
    "compare FILE FILE --output out.png",
    "render FILE --output out.png --width 120 --height 120",
    "python",
)
COLLECTIVE = ("evaluate", "train", "sweep")  # which end their process
SLOW = ("plot", "report", "compare", "render")  # of which there are fewer
SESSIONS = ("adapt --session FILE --trials 1", "adapt --session FILE --trials 1", "info FILE")
CONFIGURATIONS = ("config FILE --check", "train FILE --is-complete --output none.h5", "sweep FILE --list")
SWEEP = '[sweep]\nbase = "run.toml"\nseeds = 2\n[sweep.product.adaptation]\nqueries = [2, 3]\n'
BAD = ("a traceback", "a hang", "changed", "lost", "opened outside", "a long or raw message")


class Watch:
    """Whether a file is opened, by anybody."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None)
        self._queue = libc.inotify_init1(os.O_NONBLOCK)
        libc.inotify_add_watch(self._queue, bytes(path), 0x20)  # IN_OPEN

    def opened(self) -> bool:
        """Since the last question."""
        try:
            return bool(os.read(self._queue, 65536))
        except BlockingIOError:
            return False


class Campaign:
    """Inputs of a folder that is made, and what comes of them."""

    def __init__(self, folder: Path, seed: int, keep: Path | None) -> None:
        self.folder, self.chance, self.keep = folder, random.Random(seed), keep
        self.counts: dict[str, Counter] = {kind: Counter() for kind in KINDS}
        self.found: list[str] = []
        self.outside = folder / "outside.bin"
        self.outside.write_bytes(struct.pack("<d", 7.0) * 4096)
        self.watch = Watch(self.outside)
        good = folder / "good"
        good.mkdir()
        os.chdir(good)
        results = esmaml_mpi.train({**TINY, "policy": {"hidden": []}}, output="run.h5")
        Path("run.toml").write_text(results.config.to_toml())
        Path("sweep.toml").write_text(SWEEP)
        _quietly(["adapt", "run.h5", "--session", "s.session", "--task", "0", "--trials", "1"])
        for command in (*RESULTS, *CONFIGURATIONS):  # loads what they load, so that each process need not
            if command != "python" and not command.startswith(COLLECTIVE):
                _quietly([word.replace("FILE", "run.h5") for word in command.split()])
        self.good = {path.name: path.read_bytes() for path in good.iterdir() if path.is_file()}

    def run(self, count: int, say: bool = False) -> None:
        """So many inputs, with some commands each."""
        for number in range(count):
            self.one(self.chance.choices(KINDS, SHARES)[0])
            if say and number % 500 == 499:
                print(f"{number + 1} inputs, {sum(bad(each) for each in self.counts.values())} bad", flush=True)

    def one(self, kind: str) -> None:
        """One input."""
        chance, work = self.chance, self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "run.toml").write_bytes(self.good["run.toml"])
        name, what, content, commands = "x.h5", kind, b"", []
        if kind == "results, structure":
            what, content = structural(self.good["run.h5"], work / name, chance, self.outside)
        elif kind == "results, bytes":
            what, content = bytewise(self.good["run.h5"], chance)
        elif kind == "session, structure":
            what, content = structural(self.good["s.session"], work / name, chance, self.outside)
        elif kind == "session, bytes":
            what, content = bytewise(self.good["s.session"], chance)
        elif kind == "policy":
            (work / "s.session").write_bytes(self.good["s.session"])
            name, content = "s.best.npz", mangled(self.good["s.best.npz"], chance)
            commands = ["adapt --session s.session --trials 1"]
        else:
            source = chance.choice(("run.toml", "sweep.toml"))
            name, content = "x.toml", mangled(self.good[source], chance, tokens=True)
            commands = [chance.choice(CONFIGURATIONS)]
        if kind.startswith("results"):
            commands += chance.choices(RESULTS, [1 if each.startswith(SLOW) else 10 for each in RESULTS])
        elif kind.startswith("session"):
            commands += [chance.choice(SESSIONS)]
        path = work / name
        path.write_bytes(content)
        self.watch.opened()
        for command in commands:
            outcome = self.outcome(command, path, content, kind)
            self.counts[kind][outcome] += 1
            if outcome in BAD or outcome.startswith("killed"):
                said = (self.folder / "said").read_bytes()[-1500:].decode(errors="replace")
                self.found.append(f"{outcome}: {what}: {command}\n{said}")
                print(self.found[-1], flush=True)
                if self.keep:
                    shutil.copy(path, self.keep / f"{len(self.found)}-{path.name}")
            if path.exists() and path.read_bytes() != content:
                path.write_bytes(content)  # a resumed or repaired one

    def outcome(self, command: str, path: Path, content: bytes, kind: str) -> str:
        """What one command makes of the input."""
        code, killed = _apart(command, path, self.folder / "said")
        said = (self.folder / "said").read_bytes().decode(errors="replace")
        if killed:
            return killed
        if self.watch.opened():
            return "opened outside"
        if "Traceback (most recent call last)" in said:
            return "a traceback"
        if (
            any(not c.isprintable() and c not in "\n\t" for c in said)
            or max(map(len, said.splitlines() or [""])) > 2 * MOST_CHARACTERS
        ):
            return "a long or raw message"
        changes = ("--resume", "--repair", "adapt --session")
        if not path.exists():
            return "lost"
        if path.read_bytes() != content and (code not in (0, 75) or not any(each in command for each in changes)):
            return "changed"
        return "done" if code in (0, 75) else "refused"


def _apart(command: str, path: Path, said: Path) -> tuple[int, str]:
    """Exit code of a command in a process of its own, and what ended it if it did not end itself."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.nice(5)
            output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(WAIT)
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
            resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
            os.chdir(path.parent)
            code = _carry_out(command, path.name)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 0, "a hang" if number in (signal.SIGALRM, signal.SIGXCPU) else f"killed by {signal.Signals(number).name}"
    return os.WEXITSTATUS(status), ""


def _carry_out(command: str, name: str) -> int:
    words = [name if word == "FILE" else word for word in command.split()]
    if words != ["python"]:
        return cli.main(words)
    from esmaml_mpi.errors import UserError
    from esmaml_mpi.trained.meta_policy import MetaPolicy

    try:
        policy = MetaPolicy(esmaml_mpi.read_results(name))
        adaptation = policy.adaptation()
        adaptation.ask()
    except UserError as error:
        print(error)
        return 1
    return 0


def _quietly(words: list[str]) -> None:
    with open(os.devnull, "w") as nothing:
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = nothing
        try:
            cli.main(words)
        except SystemExit:
            pass
        finally:
            sys.stdout, sys.stderr = before


def bad(counts: Counter) -> int:
    """How many outcomes should not be."""
    return sum(count for what, count in counts.items() if what in BAD or what.startswith("killed"))


def main() -> int:
    """Mutate, run, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="where to keep inputs that should have been refused"
    )
    options = parser.parse_args()
    keep = options.keep and options.keep.resolve()
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), options.seed, keep)
        campaign.run(options.count, say=True)
        os.chdir("/")
    for kind, counts in campaign.counts.items():
        print(f"{kind}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}")
    wrong = sum(map(bad, campaign.counts.values()))
    commands = sum(counts.total() for counts in campaign.counts.values())
    print(f"{options.count} inputs, {commands} commands, {wrong} bad; {time.monotonic() - start:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
