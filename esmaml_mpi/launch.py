"""From a command's arguments to a run: read and check on rank 0, tell the other ranks, train."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from esmaml_mpi.config import Config, changed_keys, load
from esmaml_mpi.errors import ConfigError, ToldToLeave, UsageError, UserError
from esmaml_mpi.history import History
from esmaml_mpi.parallel.world import World
from esmaml_mpi.training import finite_mean, train

# Settings that change no number of an iteration, so a resumed run may have others.
FREE = ("meta.iterations", "run.threads", "checkpoint.every", "checkpoint.minutes")


def agree(world: World, prepare: Callable[[], str]) -> str:
    """Run ``prepare`` on rank 0 and give its text to every rank.

    If it raises a UserError, the others raise ToldToLeave.
    """
    text = b""
    length = np.zeros(1, dtype=np.int64)
    if world.rank == 0:
        try:
            text = prepare().encode()
            length[0] = len(text)
        except UserError as error:
            length[0] = -error.exit_code
            world.broadcast(length)
            error.known_to_all_ranks = True
            raise
    world.broadcast(length)
    if length[0] < 0:
        raise ToldToLeave(-int(length[0]))
    buffer = np.frombuffer(text, dtype=np.uint8).copy() if world.rank == 0 else np.empty(length[0], dtype=np.uint8)
    world.broadcast(buffer)
    return buffer.tobytes().decode()


def launch(world: World, source, overrides: Iterable[str], output, resume: bool, overwrite: bool) -> int:
    """The ``train`` command on every rank; returns the exit code."""
    start: dict = {}

    def prepare() -> str:
        start["run"] = _prepare(world, source, overrides, output, resume, overwrite)
        return json.dumps(start["run"][0].to_dict())

    config = Config.from_dict(json.loads(agree(world, prepare)))
    if world.rank != 0:
        return train(config, world, None, None)
    _, writer, history, checkpoint = start["run"]
    code = train(config, world, writer, history, checkpoint)
    _report(writer.path, history, config, code)
    return code


def _prepare(world, source, overrides, output, resume, overwrite):
    """Config, writer, history and checkpoint, or an error before any rank starts work."""
    from esmaml_mpi.provenance import DECISIVE, collect
    from esmaml_mpi.results.reader import read
    from esmaml_mpi.results.writer import ResultsWriter

    config = load(source, overrides).resolved()
    path = Path(output or Path("results") / f"{config.run.name}.h5")
    facts = collect(world, config.run.threads)
    if not path.exists() or overwrite:
        return config, ResultsWriter(path, config.to_toml(), [facts], list(config.test_tasks)), History(), None
    if not resume:
        raise UsageError(
            f"{path} exists. Continue it with --resume, replace it with --overwrite, or choose another --output."
        )
    old = read(path)
    changes = changed_keys(old.config, config)
    refused = [f"{key}: {values[0]!r} -> {values[1]!r}" for key, values in changes.items() if key not in FREE]
    if refused:
        raise ConfigError(f"cannot resume {path}: its configuration differs in {'; '.join(refused)}.")
    done = int(old.checkpoint["iteration"])
    if config.meta.iterations < done:
        raise ConfigError(
            f"cannot resume {path}: meta.iterations = {config.meta.iterations}, but {done} are done already."
        )
    for fact in DECISIVE:
        if old.launches[-1].get(fact) != facts.get(fact):
            print(
                f"esmaml: {fact} was {old.launches[-1].get(fact)!r} and is {facts.get(fact)!r}: the "
                "numbers may differ in their last bits",
                flush=True,
            )
    if done < config.meta.iterations:
        old.history.drop_from(done)  # a test after the then last iteration; measured again if it is due
    writer = ResultsWriter(path, config.to_toml(), [*old.launches, facts], list(config.test_tasks))
    return config, writer, old.history, old.checkpoint


def _report(path: Path, history: History, config: Config, code: int) -> None:
    if code:
        print(f"stopped by a signal; {path} holds everything so far, continue with --resume", flush=True)
        return
    before, after = (finite_mean(history["test"][name][-1]) for name in ("before", "after"))
    print(
        f"{path}: {config.meta.iterations} iterations done, test reward {before:.2f} before and "
        f"{after:.2f} after adaptation",
        flush=True,
    )
