"""What HDF5 alone makes of damaged files: why results files carry a seal that is checked before it sees them.

    python tests/robustness/behind_the_seal.py --files 1000

Bits are flipped behind the seal and the seal is made anew, so that only HDF5 and the checks of structure are left. Each
file is read in a process of its own, as some kill it. Without the seal, "other numbers" would be results.
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from attacks import TINY
from helpers import image_of

import esmaml_mpi
from esmaml_mpi.errors import UserError
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.seal import sealed

OUTCOMES = ("the same numbers", "a message", "other numbers", "an exception")
SECONDS = 20  # after which reading counts as hung
BYTES = 4 * 2**30  # of memory


def outcome(path: Path, expected: str) -> str:
    """What reading this file comes to."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        code = 3
        try:
            code = 0 if everything(path) == expected else 2
        except UserError:
            code = 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return OUTCOMES[os.WEXITSTATUS(status)]


def everything(path: Path) -> str:
    """All that a results file holds, to be compared."""
    results = read(path)
    rows = {group: {name: values.tobytes() for name, values in results.history[group].items()} for group in GROUPS}
    return repr((results.config, rows, results.checkpoint, results.launches, results.test_task_ids))


def main() -> int:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    options = parser.parse_args()
    chance, counts = random.Random(0), Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        esmaml_mpi.train(TINY, output=path)
        image, expected = image_of(path.read_bytes()), everything(path)
        for _ in range(options.files):
            damaged = bytearray(image)
            for _ in range(chance.choice((1, 1, 1, 3, 10))):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            path.write_bytes(sealed(bytes(damaged)))
            counts[outcome(path, expected)] += 1
    print(f"{options.files} files: " + ", ".join(f"{count} {what}" for what, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
