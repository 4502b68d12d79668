"""Standard output: of a command that writes its product there, and one that somebody may have stopped reading."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from esmaml_mpi.errors import UserError

STDOUT, STDERR = 1, 2
_products: list[TextIO] = []  # where products go, while that is not sys.stdout


def product(*texts: object, end: str = "\n") -> None:
    """Print what a command was asked for, to standard output, whatever else is printed. UserError if it cannot be."""
    try:
        print(*texts, end=end, file=product_stream(), flush=True)
    except BrokenPipeError:  # nobody reads it any more, which is no error
        raise
    except OSError as error:
        raise UserError(f"standard output cannot be written: {error.strerror}.") from error


def product_stream() -> TextIO:
    """Where ``product`` prints."""
    return _products[-1] if _products else sys.stdout


@contextmanager
def product_apart(to_the_end: bool = False) -> Iterator[None]:
    """In the block all that is printed goes to standard error, but for ``product``: what environments and libraries say
    must not get into a file or a pipe that is read by a program. What compiled code prints is meant too.

    ``to_the_end``: of the process, as C's own buffers are written only then.
    """
    python = sys.stdout
    if python is None or sys.stderr is None:  # one is closed
        yield
        return
    apart = _descriptor(python) == STDOUT and _descriptor(sys.stderr) == STDERR
    if not apart:  # a program has replaced them, and only Python's can be told apart
        _products.append(python)
        sys.stdout = sys.stderr
    else:
        python.flush()
        number = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        encoding, errors = python.encoding, python.errors
        _products.append(open(number, "w", encoding=encoding, errors=errors, closefd=False))
    try:
        yield
    finally:
        stream = _products.pop()
        if not apart:
            sys.stdout = python
        else:
            with suppress(OSError):  # `product` has said so
                stream.flush()
            python.flush()
            if not to_the_end:
                _flush_c()
                os.dup2(number, STDOUT)
                os.close(number)


def reader_left() -> int:
    """Nobody reads what is printed any more, as after `esmaml tasks | head`: that is no error. The exit code."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), product_stream().fileno())
    return 0


def _descriptor(stream: TextIO) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1


def _flush_c() -> None:
    with suppress(Exception):
        import ctypes

        ctypes.CDLL(None).fflush(None)


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
