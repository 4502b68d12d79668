"""Standard output that somebody may have stopped reading."""

import os


def reader_left() -> int:
    """Nobody reads what is printed any more, as after `esmaml tasks | head`: that is no error. The exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0
