"""The ``render`` command."""

import argparse
import dataclasses
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError, UsageError
from esmaml_mpi.rendering import make_painter
from esmaml_mpi.rendering.video import FASTEST_GIF, MOST_FPS, check_libraries, write_picture, write_video
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks import make_family
from esmaml_mpi.trained.from_file import MOST_TASK, Trained, check_tasks, find_trained
from esmaml_mpi.training.standard_output import product

PICTURE = ".png"
SIDES = (120, 4096)  # pixels of a panel, least and most
RATES = {"--fps": (0.1, 240.0), "--speed": (0.001, 1000.0)}
PATIENCE = 5.0  # seconds between lines that say how far it is
# Number of ranks, as launchers tell their processes: Open MPI, PMI (MPICH, Intel MPI), MVAPICH, srun.
RANKS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
INTERRUPTED = 130  # exit code, as a shell has it for Ctrl-C


def render(options: argparse.Namespace) -> int:
    """Write the video or picture that ``options`` ask for; returns the exit code."""
    before = signal.signal(signal.SIGTERM, _interrupt)  # so that a temporary file is removed then too
    try:
        _render(options)
    except KeyboardInterrupt:
        print("esmaml: interrupted, no video was written", file=sys.stderr, flush=True)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _render(options: argparse.Namespace) -> None:
    _check_alone()
    path = _output(options)
    _check_numbers(options, path)
    check_libraries(path.suffix.lower())
    trained = find_trained(options.results, options.at, options.set, options.seed, options.trust)
    task = trained.test_tasks[0] if options.task is None else options.task
    if not 0 <= task <= MOST_TASK:
        raise UsageError(f"--task {task}: an id from 0 to {MOST_TASK} is wanted.")
    check_tasks(f"--task {task}", [task], trained.config)
    # Not sooner: most refusals need none of what these load.
    from esmaml_mpi.rendering.film import Film
    from esmaml_mpi.rendering.pair import Pair

    pair = Pair(_drawn(trained), task, options.seed)
    painter = make_painter(pair.family, options.width, options.height)
    try:
        if path.suffix.lower() == PICTURE and not hasattr(painter, "picture"):
            raise UsageError(
                f"--output {path}: only point tasks have a picture, {pair.family.name} has videos: .mp4 or .gif."
            )
        film = Film(pair, painter, options.speed, options.fps, MOST_FPS.get(path.suffix.lower(), 0.0))
        if path.suffix.lower() == PICTURE:
            write_picture(path, film.picture())
        else:
            write_video(path, _counted(film.frames(), len(film.shown)), film.fps)
    finally:
        painter.close()
    rewards = " and ".join(f"{value:.2f}" for value in film.last.returns)
    product(f"{path}: {film.task}; reward {rewards} before and after adaptation")


def _drawn(trained: Trained) -> Trained:
    """A Gymnasium environment draws nothing unless it was made for that, which training has no use for.

    One that takes no ``render_mode`` is left as it is.
    """
    task = trained.config.task
    if task.name != "gymnasium" or "render_mode" in task.options.get("arguments", {}):
        return trained
    arguments = {**task.options.get("arguments", {}), "render_mode": "rgb_array"}
    task = dataclasses.replace(task, options={**task.options, "arguments": arguments})
    try:
        family: Any = make_family(task.name, task.horizon, task.options)
        family.blueprint  # noqa: B018 (makes an instance)
    except FamilyError:
        return trained
    return dataclasses.replace(trained, config=dataclasses.replace(trained.config, task=task))


def _check_alone() -> None:
    for name in RANKS:
        if os.environ.get(name, "1") not in ("", "0", "1"):
            raise UsageError(f"render is one process, not {os.environ[name]} ranks ({name}): leave out mpirun or srun.")


def _output(options: argparse.Namespace) -> Path:
    """Where to write; UsageError if the name is no video's, or a file is there already."""
    path = Path(options.output or Path(options.results).with_suffix(".mp4"))
    allowed = (*MOST_FPS, PICTURE)
    if path.suffix.lower() not in allowed:
        raise UsageError(f"--output {show(str(path))}: a name that ends in {', '.join(allowed)} is wanted.")
    if path.exists() and (path.is_dir() or not options.overwrite):
        raise UsageError(f"{path} exists. Replace it with --overwrite, or choose another --output.")
    return path


def _check_numbers(options: argparse.Namespace, path: Path) -> None:
    least, most = SIDES
    for flag, value in (("--width", options.width), ("--height", options.height)):
        if not least <= value <= most:
            raise UsageError(f"{flag} {value}: {least} to {most} pixels are wanted.")
    for flag, value in (("--fps", options.fps), ("--speed", options.speed)):
        low, high = RATES[flag]
        if value is not None and not low <= value <= high:
            raise UsageError(f"{flag} {value:g}: a number from {low:g} to {high:g} is wanted.")
    if path.suffix.lower() == ".gif" and (options.fps or 0.0) > FASTEST_GIF:
        raise UsageError(f"--fps {options.fps:g}: a GIF has at most {FASTEST_GIF:g} frames a second; .mp4 has more.")


def _counted(frames: Iterable[np.ndarray], total: int) -> Iterator[np.ndarray]:
    """The same frames, with a line now and then that says how many there were."""
    said = time.monotonic()
    for i, frame in enumerate(frames):
        if time.monotonic() - said > PATIENCE:
            said = time.monotonic()
            print(f"frame {i} of {total}", file=sys.stderr, flush=True)
        yield frame


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
