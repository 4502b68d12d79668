"""All checks in order, and the exit code."""

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

from esmaml_mpi.errors import UsageError
from esmaml_mpi.selftest import installation, process
from esmaml_mpi.selftest.outcome import FAILED, GOOD, MISSING, Outcome

PNG = b"\x89PNG\r\n\x1a\n"


def selftest() -> int:
    """Print every check's outcome as it comes; returns the exit code, 0 if nothing has failed."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="esmaml_selftest_") as folder:
        for outcome in _checks(Path(folder)):
            print(outcome, flush=True)
            outcomes.append(outcome.verdict)
    failed, missing = outcomes.count(FAILED), outcomes.count(MISSING)
    more = f" {missing} optional parts are missing." if missing > 1 else " One optional part is missing." * missing
    if failed:
        print(f"{failed} of {len(outcomes)} checks failed.{more}")
        return 1
    print(f"Everything that is installed works.{more}")
    return 0


def _checks(scratch: Path) -> Iterator[Outcome]:
    for number, outcome in enumerate(installation.checks(scratch)):
        yield outcome
        if number == 0 and outcome.verdict == FAILED:
            return  # nothing can work without these
    from esmaml_mpi.selftest import ranks  # loads NumPy and h5py, which are there now

    if name := ranks.launched():
        raise UsageError(
            f"{name} is set: a launcher has started this process. selftest starts mpirun itself: call it without one, "
            f"or, in a shell that srun has started, as `env -u {name} esmaml selftest`."
        )
    folder, variables = scratch / "work", process.environment(scratch)
    folder.mkdir()
    yield from ranks.one_process(folder, variables)
    if not (folder / "one.h5").exists():
        return
    yield from ranks.two_ranks(folder, variables)
    if (folder / "two.h5").exists():
        yield ranks.same_bits(folder)
    yield _picture(folder, variables)


def _picture(folder: Path, variables: dict[str, str]) -> Outcome:
    """Whether a run can be drawn."""
    absent = [name for name in ("matplotlib", "scipy") if importlib.util.find_spec(name) is None]
    if absent:
        return Outcome(MISSING, f"a picture: no {', '.join(absent)}", 'pip install "esmaml-mpi[analysis]"')
    done = process.run(process.esmaml("plot", "run", "one.h5", "--output", "one.png"), folder, variables)
    picture = folder / "one.png"
    if done.code != 0 or not picture.is_file() or not picture.read_bytes().startswith(PNG):
        advice = 'pip install --force-reinstall "esmaml-mpi[analysis]"'
        return Outcome(FAILED, "a picture: esmaml plot run", advice, done.output)
    return Outcome(GOOD, f"a picture: esmaml plot run, {picture.stat().st_size // 1000} kB")
