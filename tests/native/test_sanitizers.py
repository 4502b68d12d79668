"""The C kernels touch no memory that is not theirs and do nothing that C leaves undefined."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("sanitize.sh")
COMPILER = shutil.which("cc")


def builds(folder, *flags) -> bool:
    """Whether the compiler can make and run a program with these flags."""
    source, program = folder / "probe.c", folder / "probe"
    source.write_text("int main(void) { return 0; }\n")
    made = subprocess.run([COMPILER, *flags, source, "-o", program], capture_output=True)
    return made.returncode == 0 and subprocess.run([program], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
@pytest.mark.parametrize("how", ["sanitizers", "valgrind"])
def test_kernels_are_watched_by(tmp_path, how):
    if how == "sanitizers" and not builds(tmp_path, "-fsanitize=address,undefined"):
        pytest.skip("the compiler has no AddressSanitizer or UndefinedBehaviorSanitizer")
    if how == "valgrind" and not shutil.which("valgrind"):
        pytest.skip("no valgrind")
    done = subprocess.run(["bash", SCRIPT, how, tmp_path], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 failures\n") and not done.stderr
