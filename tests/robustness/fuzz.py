"""Throws random inputs at everything that reads what a user wrote, and counts.

    python tests/robustness/fuzz.py --inputs 1000          that many of each kind
    python tests/robustness/fuzz.py --inputs 1000 --seed 7

An input is a configuration as a mapping, one as TOML text, a --set string, or a results file with damaged bytes that is
read and resumed. A crash is anything but a result or a message of one line; it is shown in full, and ends with code 1.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from attacks import TINY, attack_config, attack_file, attack_text
from hypothesis import HealthCheck, Phase, given, seed, settings
from inputs import configurations, damages, override_strings, toml_texts

import esmaml_mpi

KINDS = ("configurations", "TOML texts", "--set strings", "results files")


def campaign(kind: str, inputs: int, folder: Path, number: int = 0) -> Counter:
    """Outcomes of ``inputs`` inputs of one kind; raises at the first crash."""
    path = folder / "run.h5"
    if kind == KINDS[3]:
        esmaml_mpi.train(TINY, output=path, overwrite=True)
        content = path.read_bytes()
    attack, strategy = {
        KINDS[0]: (attack_config, configurations()),
        KINDS[1]: (lambda text: attack_text(text, folder), toml_texts()),
        KINDS[2]: (lambda text: attack_config({}, [text]), override_strings()),
        KINDS[3]: (lambda damage: attack_file(damage(content), content, path), damages()),
    }[kind]
    outcomes: Counter = Counter()

    @seed(number)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def throw(value):
        outcomes[attack(value)] += 1

    throw()
    return outcomes


def main() -> int:
    """Run all kinds and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    total, crashes = Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            start = time.monotonic()
            try:
                outcomes = campaign(kind, options.inputs, Path(folder), options.seed)
            except Exception:
                traceback.print_exc()
                crashes += 1
                continue
            total += outcomes
            said = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
            print(f"{kind}: {outcomes.total()} inputs, {said}; {time.monotonic() - start:.0f} s", flush=True)
    print(f"{total.total()} inputs, {total['refused']} messages, {crashes} crashes, {total['lost']} files lost")
    return 1 if crashes or total["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
