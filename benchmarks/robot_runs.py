"""How far the quadruped of examples/robot_process.py walks before and after 50 trials: the table of docs/quadruped.md.

    python benchmarks/robot_runs.py quadruped.h5 --runs 10 --processes 2 --json runs.json

Each run adapts by examples/adapt_robot.py, which is killed with the robot after about half of the trials, as by a power
cut, and started again. Before and after are episodes of a robot that was started anew, with noise of its own.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from esmaml_mpi import Session

EXAMPLES = Path(__file__).parents[1] / "examples"
BODIES = ("nominal", "mass_voltage", "low_friction")
EPISODES = 5  # of each robot before and after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--bodies", nargs="+", choices=BODIES, default=BODIES[1:])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    jobs = [(body, seed) for body in options.bodies for seed in range(options.runs)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.processes) as pool:
        runs = list(pool.map(lambda job: run(options.results, Path(folder), *job), jobs))
    if options.json:
        options.json.write_text(json.dumps(runs, indent=1) + "\n")
    print(table(runs))


def run(results: str, folder: Path, body: str, seed: int) -> dict:
    """One adaptation with its power cut, and what the robot does before and after."""
    path = folder / f"{body}_{seed}.h5"
    with Session.create(path, results, seed=seed) as session:
        session.write_best(path.with_suffix(".before.npz"))
    told = power_cut(results, path, body, seed, after=20 + seed % 10)
    with Session.open(path) as session:
        kept = session.trials
    subprocess.run(_command(results, path, body, seed), check=True, stdout=subprocess.DEVNULL)
    with Session.open(path) as session:
        session.write_best(path.with_suffix(".after.npz"))
        moved = bool((session.best != session.record.theta).any())
        falls = sum("fell" in trial.note for trial in session.history)
        trials = session.trials
    found = dict(body=body, seed=seed, trials=trials, told_before_cut=told, kept=kept, moved=moved, falls=falls)
    for when in ("before", "after"):
        found[when] = walked(path.with_suffix(f".{when}.npz"), body, 10**6 + seed)
    print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def power_cut(results: str, path: Path, body: str, seed: int, after: int) -> int:
    """Start an adaptation and kill it, with its robot, while it does the trial after these; what it said it told."""
    process = subprocess.Popen(
        _command(results, path, body, seed), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    said = 0
    while said < after:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{body}, run {seed}: ended before its power cut")
        said += line.startswith("trial")
    os.killpg(process.pid, signal.SIGKILL)
    said += sum(line.startswith("trial") for line in process.stdout)
    process.wait()
    return said


def walked(policy: Path, body: str, seed: int) -> list[float]:
    """Metres of EPISODES episodes."""
    robot = [sys.executable, EXAMPLES / "robot_process.py", "--body", body, "--seed", str(seed)]
    done = subprocess.run(robot, input=f"{policy}\n" * EPISODES, capture_output=True, text=True, check=True)
    return [
        float(line.partition("walked ")[2].split()[0]) if "walked" in line else np.nan
        for line in done.stdout.splitlines()
    ]


def table(runs: list[dict]) -> str:
    """Metres in an episode of 3 s, mean over runs +- standard error; the gain is paired by run."""
    lines = [
        "| body | before, m | after 50 trials, m | gain, m | runs that gained | trials that fell | rewards lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for body in dict.fromkeys(run["body"] for run in runs):
        ours = [run for run in runs if run["body"] == body]
        before, after = (np.array([np.mean(run[when]) for run in ours]) for when in ("before", "after"))
        lost = sum(run["told_before_cut"] - run["kept"] for run in ours if run["told_before_cut"] > run["kept"])
        falls = sum(run["falls"] for run in ours) / sum(run["trials"] for run in ours)
        lines.append(
            f"| {body} | {_interval(before)} | {_interval(after)} | {_interval(after - before)} | "
            f"{np.count_nonzero(after > before)} of {len(ours)} | {falls:.0%} | {lost} |"
        )
    return "\n".join(lines)


def _interval(values: np.ndarray) -> str:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.2f} +- {error:.2f}"


def _command(results: str, path: Path, body: str, seed: int) -> list[str | Path]:
    script = EXAMPLES / "adapt_robot.py"
    return [sys.executable, script, results, path, "--body", body, "--seed", str(seed)]


if __name__ == "__main__":
    main()
