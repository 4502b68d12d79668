"""Strong and weak scaling over the ranks and threads there are, and what the law fitted to it predicts for clusters.

    python benchmarks/scaling.py [--output docs/scaling.json]      about eight minutes on two cores
    python benchmarks/scaling.py --quick --output quick.json       tries everything in small: its figures mean nothing

Measures iterations by the timings of results files (medians, the first iterations left out, no tests and no writes),
evaluations one by one and in shares, rank 0's serial part, and the collectives alone, also with far more ranks than
cores. Writes what was measured as JSON, then prints the tables and draws the figure of ``benchmarks/scaling_report.py``
beside it.

Strong: the same evaluations on 1, 2, 4, ... ranks or threads. Weak: each has as many as in the largest strong case.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; before NumPy

import aggregator
import h5py
import numpy as np
import scaling_report

from esmaml_mpi.config.experiment import Experiment, Request
from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.stages import Stage
from esmaml_mpi.trained.from_file import find_trained

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("broadcast", "evaluate", "gather", "update")
# Evaluations and iterations of a run, and iterations left out; shares in which the evaluations are timed, which divide
# their number.
TASKS = {
    "four corners": {
        "config": "four_corners",
        "settings": ("policy.hidden=[32]",),
        "evaluations": 300,
        "iterations": 24,
        "dropped": 4,
        "shares": (1, 2, 5, 10, 30, 150),
    },
    "HalfCheetah": {
        "config": "half_cheetah_forward_backward",
        "settings": ("adaptation.share_rollouts=false", "meta.estimator=forward_fd"),
        "evaluations": 24,  # the paper's 300 differ in number alone
        "iterations": 3,
        "dropped": 1,
        "shares": (1, 2, 4, 12),
    },
}
QUICK = {"iterations": 3, "dropped": 1, "shares": (1, 2)}
START = time.monotonic()
RUNS = 2  # of each case, in turn
TURNS = 5  # of each timed evaluation
RANKS, DIMENSIONS, PAUSES = (2, 8, 32, 100, 301), (1000, 10_000), (0.0, 0.003)  # of the collectives


def main() -> None:
    """Measure, write, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="default docs/scaling.json")
    parser.add_argument("--mpirun", default="mpirun --oversubscribe", help='default "mpirun --oversubscribe"')
    parser.add_argument("--quick", action="store_true", help="everything in small")
    options = parser.parse_args()
    if options.quick and not options.output:
        parser.error("--quick: --output is wanted, as its figures mean nothing.")
    output = options.output or ROOT / "docs/scaling.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    launcher, cores = options.mpirun.split(), len(os.sched_getaffinity(0))
    found = {"cores": cores, "tasks": {}, "collectives": []}
    for name, case in TASKS.items():
        if options.quick:
            case = case | QUICK | {"evaluations": 2 * cores}
        say(f"{name}: evaluations one by one")
        found["tasks"][name] = evaluations(case)
        found["tasks"][name]["runs"] = runs(name, case, launcher, cores)
    say("rank 0's serial part")
    found["serial"] = dict(zip("pqr", aggregator.fitted()[1].tolist(), strict=True))
    for ranks in RANKS[: 2 if options.quick else None]:
        say(f"collectives, {ranks} ranks")
        found["collectives"].append(collectives(launcher, ranks, 0.2 if options.quick else 1.0))
        output.write_text(json.dumps(rounded(found)) + "\n")  # the largest may not fit
    say(f"wrote {output}")
    scaling_report.report(output)


def say(text: str) -> None:
    """Progress, apart from the tables, with the seconds since the start."""
    print(f"[{time.monotonic() - START:4.0f} s] {text}", file=sys.stderr, flush=True)


def runs(name: str, case: dict, launcher: list[str], cores: int) -> list[dict]:
    """Iterations of every case of strong and weak scaling: ranks, threads, evaluations, and medians in seconds."""
    total = case["evaluations"]
    counts = sorted({1 << k for k in range(cores.bit_length()) if 1 << k <= cores} | {cores})
    cases = {}
    for n in counts:
        for ranks, threads in dict.fromkeys([(n, 1), (1, n)]):
            for evaluations in (total, max(2, 2 * round(total * n / cores / 2))):
                cases[ranks, threads, evaluations] = []
    for _ in range(RUNS):
        for (ranks, threads, evaluations), rows in cases.items():
            say(f"{name}: {evaluations} evaluations, {ranks} x {threads} ranks x threads")
            prefix = [*launcher, "-n", str(ranks)] if ranks > 1 else []
            rows.append(train(case, prefix, threads, evaluations))
    return [
        {"ranks": ranks, "threads": threads, "evaluations": evaluations} | medians(np.concatenate(rows, axis=1))
        for (ranks, threads, evaluations), rows in cases.items()
    ]


def medians(rows: np.ndarray) -> dict[str, float]:
    """Of the rows of ``train``."""
    return dict(zip(("iteration", *PARTS, "other"), map(float, np.median(rows, axis=1)), strict=True))


def train(case: dict, prefix: list[str], threads: int, evaluations: int) -> np.ndarray:
    """Seconds (6, iterations) of a run that writes nothing on the way: the iteration, its parts, and the rest."""
    with trained_file(case, prefix, threads, evaluations) as output, h5py.File(output) as file:
        kept = slice(case["dropped"], None)
        iteration = file["train/seconds"][kept]
        parts = [file[f"timing/{name}"][kept] for name in PARTS]
    return np.array([iteration, *parts, iteration - sum(parts)])


@contextlib.contextmanager
def trained_file(case: dict, prefix: list[str], threads: int, evaluations: int) -> Iterator[Path]:
    """The results file of a run, for a while."""
    settings = [*settings_of(case, evaluations), f"run.threads={threads}"]
    settings += [f"meta.iterations={case['iterations']}", "checkpoint.every=0"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "scaling.h5"
        command = [*prefix, sys.executable, "-m", "esmaml_mpi", "train", str(config_of(case))]
        command += [part for setting in settings for part in ("--set", setting)]
        done = subprocess.run([*command, "--output", str(output)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        yield output


def evaluations(case: dict) -> dict:
    """Sizes of the task, seconds of shares of evaluations, and of single ones, in this process alone.

    With the meta-policy and the statistics that a run of these iterations ends with: bodies that move more take longer.
    """
    config = load(config_of(case), settings_of(case, case["evaluations"])).resolved()
    experiment = Experiment(config)
    with trained_file(case, [], 1, case["evaluations"]) as file:
        trained = find_trained(file, "last", (), 0)
    units = experiment.algorithm.evaluations
    request = Request(trained.iteration, 0, Stage(units=units), False, trained.theta, trained.observer)

    def seconds(first: int, share: int) -> float:
        start = time.perf_counter()
        experiment.train_units(request, range(first, first + share))
        return time.perf_counter() - start

    seconds(0, 1)  # the first one fills caches
    # All sizes of a share in every turn, and all evaluations in each: a machine that slows down for a minute, or
    # evaluations that take longer than others, then weigh on all sizes alike.
    turns = [
        {share: [seconds(start, share) for start in range(0, units, share)] for share in case["shares"]}
        for _ in range(TURNS)
    ]
    shares = [[share, float(np.median([np.mean(turn[share]) for turn in turns]))] for share in case["shares"]]
    # The least of the turns: what differs is then the evaluations, not what else the machine was doing.
    single = np.min([turn[1] for turn in turns], axis=0).tolist()
    sizes = {"d": experiment.policy.size, "observations": experiment.policy.observation_size}
    return sizes | {"shares": shares, "single": single}


def collectives(launcher: list[str], ranks: int, seconds: float) -> dict:
    """What ``benchmarks/collectives.py`` prints on this many ranks."""
    command = [*launcher, "-n", str(ranks), sys.executable, str(ROOT / "benchmarks/collectives.py")]
    command += ["--dimensions", *map(str, DIMENSIONS), "--pauses", *map(str, PAUSES), "--seconds", str(seconds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def config_of(case: dict) -> Path:
    """Its configuration file."""
    return ROOT / f"configs/{case['config']}.toml"


def settings_of(case: dict, evaluations: int) -> list[str]:
    """Half of the evaluations for perturbed policies, half for the current one; no tests."""
    counts = (f"meta.perturbations={evaluations // 2}", f"meta.current_evaluations={evaluations - evaluations // 2}")
    return [*case["settings"], *counts, "test.every=0"]


def rounded(tree):
    """Floats to four digits: more is noise."""
    if isinstance(tree, dict):
        return {key: rounded(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [rounded(value) for value in tree]
    return float(f"{tree:.4g}") if isinstance(tree, float) else tree


if __name__ == "__main__":
    main()
