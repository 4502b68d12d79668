"""Every way to end that is not about files, at 1, 2, 3, 4, 5 and 8 ranks, with and without fault tolerance.

    python tests/parallel/endings.py [--ranks 4] [--case stop]

Prints a row for each: exit code, seconds, and whether it is what docs/failures.md promises; exits with 1 if one is not.
test_endings.py has the short form.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from files import iterations
from mpirun import FAULT_TOLERANCE, environment, launcher, train_arguments

RANKS = (1, 2, 3, 4, 5, 8)
PATIENCE = 300.0  # seconds: many, for a busy machine
SETTINGS = {
    "task.name": "gymnasium",
    "task.horizon": 5,
    "task.options.environment": "ending_environment:Ends",
    "policy.hidden": [],
    "meta.perturbations": 20,  # with these, rank 0 has a share at each number of ranks
    "meta.current_evaluations": 4,
    "meta.iterations": 60,
    "checkpoint.every": 1,
}
LIMITED = {**SETTINGS, "run.unit_timeout": 0.5}
PATIENT = {**SETTINGS, "run.frozen_after": 8}
# The case: its settings, how the environment ends, which rank, what is said, and whether the survivors may go on.
CASES = {
    "nan": (SETTINGS, "nan", "all", "evaluations failed", False),
    "sys.exit": (SETTINGS, "sys.exit", "last", "SystemExit: 5", False),
    "os._exit": (SETTINGS, "os._exit", "last", "", False),
    "hold": (LIMITED, "hold", "last", "ending_environment.py", False),
    "kill": (SETTINGS, "kill", "last", "", True),
    "kill all": (SETTINGS, "kill", "all", "", False),
    "stop": (PATIENT, "stop", "last", "has not answered for", True),
    "stop rank 0": (PATIENT, "stop", "0", "has not answered for", True),
}


def main() -> int:
    """Run the grid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, action="append", help="only so many ranks; repeatable")
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    options = parser.parse_args()
    wrong = 0
    for case in options.case or CASES:
        for ranks in options.ranks or RANKS:
            for tolerant in (False, True):
                if case.startswith("stop") and ranks == 1:
                    continue  # nobody waits for it
                wrong += not tried(case, ranks, tolerant)
    print(f"{wrong} are wrong", flush=True)
    return 1 if wrong else 0


def tried(case: str, ranks: int, tolerant: bool) -> bool:
    """One ending; whether it is as promised."""
    settings, ending, victim, word, survived = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run.h5"
        command = [*launcher(), *(FAULT_TOLERANCE if tolerant else ()), "-n", str(ranks)]
        command += train_arguments(settings, output)
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        who = str(ranks - 1) if victim == "last" else victim
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                env=environment(ENDING=ending, VICTIM=who, PYTHONPATH=path),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                stdin=subprocess.DEVNULL,
            )
            code, said = str(done.returncode), done.stdout + done.stderr
        except subprocess.TimeoutExpired as late:
            code, said = "hangs", ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
        seconds = time.monotonic() - began
        complete = iterations(output) == settings["meta.iterations"]
    if survived and tolerant and ranks > 1:
        good = code == "0" and complete
    elif case == "kill all" or (
        case == "kill" and ranks == 1
    ):  # with fault tolerance mpirun itself ends with 0: docs/failures.md
        good = code != "hangs" and not complete
    else:
        good = code not in ("0", "75", "hangs") and not complete
    good &= word in said
    shown = "with" if tolerant else "without"
    print(
        f"{case:12} {ranks} ranks {shown:7} ulfm: {code:>5} {seconds:5.1f} s  {'good' if good else 'WRONG'}", flush=True
    )
    if not good:
        print(said[-3000:], flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
