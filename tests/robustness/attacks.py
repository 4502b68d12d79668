"""What is done with each input, and what counts as a crash: anything but a result or a UserError of one line."""

import contextlib
import io
import math
from pathlib import Path

import esmaml_mpi
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import UserError
from esmaml_mpi.results.reader import read

MOST_WORK = 3e5  # multiplications of an accepted configuration's iteration, up to which it is run
MOST_CHARACTERS = 3000  # of a message
# A run with every group of rows, small in bytes.
TINY = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 3, "perturbations": 4, "current_evaluations": 3, "optimizer": "adam"},
    "test": {"every": 2, "repeats": 2},
    "task": {"horizon": 10, "options": {"reward": "distance"}},  # which tells every policy from another
}


def attack_config(source, overrides=()) -> str:
    """Load a configuration; "refused", "accepted" or "run" if it was so small that it could be."""
    try:
        config = load(source, overrides).resolved()
    except UserError as error:
        assert_message(error)
        return "refused"
    assert Config.from_toml(config.to_toml()) == config == config.resolved(), "not what it was after a round trip"
    assert Config.from_toml(config.to_toml(comments=True)) == config, "not what it was after a round trip"
    return "run" if _run(config) else "accepted"


def attack_text(text: str, folder: Path) -> str:
    """The same with a file of this text."""
    path = folder / "config.toml"
    path.write_bytes(
        text.encode("utf-8", "surrogateescape" if "\ud800" <= max(text, default="") <= "\udfff" else "replace")
    )
    return attack_config(path)


def attack_file(damaged: bytes, content: bytes, path: Path) -> str:
    """Read and resume a damaged copy of a results file; it must be refused, or hold what it held, and stay."""
    path.write_bytes(damaged)
    for older in path.parent.glob(f"{path.name}.*"):  # another generation, which --resume would go on from
        older.unlink()
    try:
        read(path)
    except UserError as error:
        assert_message(error)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                esmaml_mpi.train(TINY, output=path, resume=True)
        except UserError as again:
            assert_message(again)
            return "refused" if path.read_bytes() == damaged else "lost"
        raise AssertionError("a file that cannot be read was resumed") from None
    assert damaged == content, "a damaged file was read"
    return "accepted"


def assert_message(error: UserError) -> None:
    """One line, of a length that can be read."""
    text = str(error)
    assert text and "\n" not in text and len(text) < MOST_CHARACTERS, text[:500]


def _run(config: Config) -> bool:
    """One iteration, if that is little work."""
    task, meta, test = config.task, config.meta, config.test
    episodes = (meta.perturbations + meta.current_evaluations) * task.batch_size + test.repeats * task.test_size
    rollouts = episodes * config.adaptation.queries * config.adaptation.steps * task.rollouts
    width = math.prod(config.policy.hidden) + sum(config.policy.hidden) + 1
    if rollouts * task.horizon * width > MOST_WORK or task.train_size + task.test_size > 1000:
        return False
    if config.run.threads > 8 or meta.max_redraws > 10:
        return False
    Experiment(config)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            esmaml_mpi.train(config, [f"meta.iterations={min(1, meta.iterations)}"])
        except UserError as error:  # rewards may overflow with wild options: said, and given up
            assert_message(error)
    return True
