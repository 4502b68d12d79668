"""Frames to an MP4 or GIF file, which is there only once it is whole."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from esmaml_mpi.errors import UsageError, UserError, in_words
from esmaml_mpi.rendering.requirement import need

HOLD = 1.0  # seconds the last frame stays
MOST_FPS = {".mp4": 30.0, ".gif": 20.0}  # taken where steps are more frequent
FASTEST_GIF = 50.0  # frames a second: it counts hundredths, and players take one of them for ten


class VideoError(UserError):
    """A video cannot be written."""


def check_libraries(suffix: str) -> None:
    """Raise UsageError unless files of this kind can be written."""
    need("PIL", "PIL.ImageFont")
    if suffix == ".mp4":
        need("imageio", "imageio_ffmpeg")
        import imageio_ffmpeg

        try:
            imageio_ffmpeg.get_ffmpeg_exe()
        except RuntimeError as error:
            raise UsageError(f"MP4 needs ffmpeg: {in_words(error)}. Install it, or ask for a .gif.") from error


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """Write frames (height, width, 3) uint8, of even sizes, as the suffix of ``path`` says; the last one stays HOLD."""
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    with replacing(path) as temporary:
        write(temporary, frames, fps)


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a PNG."""
    from PIL import Image

    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file name to write to, which becomes ``path`` if all goes well and else is removed."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except VideoError as error:
        raise VideoError(f"cannot write {path}: {error}") from error
    except OSError as error:
        raise VideoError(f"cannot write {path}: {error.strerror or in_words(error)}.") from error
    finally:
        with suppress(OSError):  # it is not there, or cannot be: the error above says so
            temporary.unlink()


def _write_mp4(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """H.264 in yuv420p, which every player knows."""
    import imageio.v2 as imageio

    # Without this Python code runs between fork and exec, where a process with threads, as JAX has, may hang.
    os.environ.setdefault("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")
    writer = imageio.get_writer(
        path,
        format="FFMPEG",
        fps=fps,
        codec="libx264",
        pixelformat="yuv420p",
        macro_block_size=2,
        quality=8,
        ffmpeg_log_level="error",
        output_params=["-movflags", "+faststart"],
    )
    count = 0
    try:
        for frame in frames:
            writer.append_data(frame)
            count += 1
        for _ in range(round(HOLD * fps)):
            writer.append_data(frame)
            count += 1
    finally:
        writer.close()
    _check_whole(path, count)


def _check_whole(path: Path, count: int) -> None:
    """Raise VideoError unless a file has this many frames: how ffmpeg has ended, on a full disk say, is not told."""
    import imageio_ffmpeg

    try:
        found, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    except RuntimeError as error:
        raise VideoError("ffmpeg has not written a whole video; is the disk full?") from error
    if found != count:
        raise VideoError(f"ffmpeg has written {found} of {count} frames; is the disk full?")


def _write_gif(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """Endless, with a palette for each frame."""
    from PIL import Image

    pictures = [Image.fromarray(frame).quantize() for frame in frames]
    ends = np.rint(100 / fps * np.arange(len(pictures))).astype(int)  # in hundredths of a second, rounded each
    durations = [*(10 * np.diff(ends)).tolist(), round(1000 * HOLD)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], loop=0, duration=durations)
