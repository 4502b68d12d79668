"""Rollouts per second on one core, beside JAX, a plain loop, other instruction sets and another source tree.

    python benchmarks/rollouts.py [--rounds 5] [--seconds 0.4] [--beside TREE] [--without jax plain]

Each column is a process of its own on one core, and all are timed in turn, several times; rates are medians. Behind a
rate stands its ratio to JAX in double precision, where JAX is compared with, else to the plain loop. JAX is taken in
the better of two forms, vmap and batch last. TREE is another checkout of this repository, for example of an older
commit (`git worktree add TREE COMMIT`; build its kernels there, if it has any).

Rows: batches of different policies on four corners; "unit", all the work of one evaluation of a 301-rank job, 4 tasks
with 84 rollouts to adapt and 4 to score, random numbers and gradients too; and episodes of CartPole.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from workloads import POLICIES

from esmaml_mpi.native import door

ROOT = Path(__file__).resolve().parent.parent
CASES = ("84", "2000", "unit", "cartpole 84", "cartpole 2000")
LEFT_OUT = ("jax", "plain", "kernels")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times each column is measured (default 5)")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement (default 0.4)")
    parser.add_argument("--beside", type=Path, metavar="TREE", help="another source tree, in a column of its own")
    parser.add_argument("--without", nargs="+", default=[], choices=LEFT_OUT, help="columns to leave out")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES, metavar="CASE", help=", ".join(CASES))
    options = parser.parse_args()
    columns = {name: Column(*started) for name, started in sides(options).items()}
    check(columns)
    print(f"{'policy':9} {'case':>13}" + "".join(f"{name:>19}" for name in columns), flush=True)
    for policy in POLICIES:
        for case in options.cases:
            rates = measured(columns, policy, case, options)
            print(f"{policy:9} {case:>13}" + "".join(shown(rates)), flush=True)


def measured(columns, policy, case, options):
    """Median rates by column; None where it has no such case."""
    rounds = [
        {name: column.ask(policy, case, options.seconds) for name, column in columns.items()}
        for _ in range(options.rounds)
    ]
    return {
        name: None if rounds[0][name] is None else statistics.median(each[name] for each in rounds) for name in columns
    }


def shown(rates):
    """A cell for each column."""
    reference = rates.get("JAX float64") or rates.get("plain loop")
    for rate in rates.values():
        ratio = f" ({rate / reference:.3g}x)" if rate and reference else ""
        yield f"{f'{rate:,.0f}{ratio}' if rate else '-':>19}"


def sides(options):
    """Column -> its side of workloads.py, source tree, environment."""
    best, *others = door.names()
    found = {f"ours, {best}": ("ours", ROOT, {door.VARIABLE: best})}
    if "kernels" not in options.without:
        found |= {name: ("ours", ROOT, {door.VARIABLE: name}) for name in others}
    if options.beside:
        found[f"beside: {options.beside.name}"[:18]] = ("ours", options.beside.resolve(), {})
    if "jax" not in options.without:
        found |= {"JAX float64": ("jax64", ROOT, {}), "JAX float32": ("jax32", ROOT, {})}
    if "plain" not in options.without:
        found["plain loop"] = ("plain", ROOT, {})
    return found


class Column:
    """A process that measures on request."""

    def __init__(self, side: str, tree: Path, variables: dict[str, str]) -> None:
        command = [sys.executable, Path(__file__).with_name("workloads.py"), side]
        environment = {key: value for key, value in os.environ.items() if key != door.VARIABLE}
        environment |= {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **variables}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)

    def ask(self, *request):
        """The answer to a request; see workloads.py. The others wait meanwhile."""
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{' '.join(map(str, self.process.args))} has ended")
        return json.loads(answer)


def check(columns) -> None:
    """All must agree on what they compute."""
    for policy in POLICIES:
        returns = [column.ask(policy) for column in columns.values()]
        for name, found in zip(columns, returns, strict=True):
            single = name == "JAX float32"
            np.testing.assert_allclose(found, returns[0], rtol=2e-3 if single else 1e-9, err_msg=f"{name}, {policy}")


if __name__ == "__main__":
    main()
