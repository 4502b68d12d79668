"""Standard output that somebody may have stopped reading."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


def reader_left() -> int:
    """Nobody reads what is printed any more, as after `esmaml tasks | head`: that is no error. The exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


class Enduring:
    """A text stream that is given up, with no error, once it cannot be written: its reader left, its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        with self._given_up():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with self._given_up():
            self._stream.flush()

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError):
                number = self._stream.fileno()
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)  # so that what is still in its buffer can go
                self._stream.flush()
                if number != 2:
                    said = (
                        f"esmaml: what is printed cannot be written ({error.strerror}), and is lost; the run goes on\n"
                    )
                    os.write(2, said.encode())


@contextmanager
def enduring() -> Iterator[None]:
    """In the block nothing that is printed can end the program: what is lost is a message, not a run."""
    before = sys.stdout, sys.stderr
    # Where one is closed its number is free: a results file must not get it, as libraries print there.
    streams = (open(os.devnull, "w") if stream is None else stream for stream in before)
    sys.stdout, sys.stderr = map(Enduring, streams)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = before
