"""Training from Python, in one process: what ``esmaml_mpi.train`` is."""

import os
import sys
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import make_policy
from esmaml_mpi.errors import UsageError
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.history import History
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.settings import naming
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import interface_of
from esmaml_mpi.training import launch
from esmaml_mpi.training.beginning import Source, beginning
from esmaml_mpi.training.moment import Callback
from esmaml_mpi.training.record import RunRecord
from esmaml_mpi.training.run import train as train_ranks


class _Memory:
    """A store that keeps everything in memory."""

    def __init__(self) -> None:
        self.history = History()

    def write(self, history: History, checkpoint: dict) -> None:
        self.history.extend(history)
        self.checkpoint = checkpoint

    def finish(self) -> None:
        """There is nothing to wait for."""

    def late(self) -> str:
        return ""

    def drop_from(self, iteration: int) -> None:
        """A run in memory is not resumed."""


def train(
    config: "Config | Mapping | str | PathLike",
    overrides: Iterable[str] = (),
    output: "str | PathLike | None" = None,
    resume: bool = False,
    overwrite: bool = False,
    trust: bool = False,
    *,
    quiet: bool = False,
    callback: Callback | None = None,
    start_from: Source | None = None,
) -> Results:
    """Meta-train in this process and return the results.

    ``config``: a TOML path, a mapping of sections, or a Config. ``overrides``: strings such as "meta.sigma=0.05".
    ``output``: a results file to write (with ``resume`` and ``overwrite`` as in the ``train`` command); None keeps
    everything in memory. ``trust``: code that a Config out of a results file names may be imported; names in a TOML
    file, a mapping or ``overrides`` always may. ``quiet``: only warnings are printed. ``callback``: a function that is
    called with a Moment (training/moment.py) after each iteration; where it returns True, the run stops there.
    ``start_from``: what a new run begins with in place of parameters of its own: a results file, with ":300" or ":best"
    behind it if it is to be another iteration than the last; or Results, or (Results, iteration). Ctrl-C, USR1, TERM
    and HUP end training after the current iteration, which is said on standard error, and what there is is returned: a
    script that goes on to something else compares ``results.checkpoint["iteration"]`` with
    ``results.config.meta.iterations``. Raises ConfigError, UsageError, TrainingError, or ResultsError.
    """
    if resume and overwrite:
        raise UsageError("resume and overwrite: one of them is wanted, as the file is either continued or replaced.")
    if output is None and (resume or overwrite):
        raise UsageError(f"{'resume' if resume else 'overwrite'}: the output to work on is wanted.")
    if output is not None and (not isinstance(output, str | PathLike) or not os.fspath(output)):
        raise UsageError(f"output = {show(output)}: a results file's path, or None, is wanted.")
    if trust and isinstance(config, Config):
        naming.asked(config.to_dict())
    if callback is not None and not callable(callback):
        raise UsageError(f"callback = {show(callback)}: a function of a Moment, or None, is wanted.")
    world = World()
    if output is None:
        resolved, store = load(config, overrides).resolved(), _Memory()
        task = resolved.task
        family = make_family(task.name, task.horizon, task.options)
        begins = None if start_from is None else beginning(start_from, resolved, make_policy(resolved, family))
        record = RunRecord(store, History(), None, beginning=begins)
        code = train_ranks(resolved, world, lambda successor, written: record, quiet, callback)
        if code and callback is None and world.rank == 0:
            done = f"iteration {int(store.checkpoint['iteration'])} of {resolved.meta.iterations}"
            print(f"esmaml: stopped by a signal after {done}", file=sys.stderr, flush=True)
        interface = interface_of(family)
        return Results(None, resolved, store.history, store.checkpoint, list(resolved.test_tasks), [], interface)
    place = Path.cwd() / output  # an environment of the user's may go elsewhere
    launch.launch(world, config, overrides, output, resume, overwrite, quiet=quiet, callback=callback, start=start_from)
    return read(place)
