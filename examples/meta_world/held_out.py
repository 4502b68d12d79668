"""Success on the goals that a benchmark holds out, by environment, of files that `esmaml evaluate --json` has written.

python held_out.py ML10 seed_0.json seed_1.json seed_2.json
python held_out.py reach-v3 seed_0.json seed_1.json seed_2.json
"""

import json
import sys

import numpy as np
from metaworld import env_dict

GOALS = 50  # of each environment, to train on and to test on


def environments(benchmark):
    """How many environments there are to train on, and the names of those that are held out, as their goals follow."""
    if benchmark in env_dict.ALL_V3_ENVIRONMENTS:
        return 1, [benchmark]
    parts = getattr(env_dict, f"{benchmark}_V3")
    return len(parts["train"]), list(parts["test"])


def shares(benchmark, paths):
    """Name -> success before and after adaptation in each file, (2, files), of the held-out goals in it."""
    trained, names = environments(benchmark)
    found = {name: [] for name in names}
    for path in paths:
        with open(path) as file:
            told = json.load(file)
        numbers = np.array(told["tasks"]) - GOALS * trained
        if numbers.min() < 0:
            raise SystemExit(
                f"{path}: task {min(told['tasks'])} is a goal to train on; {GOALS * trained} is the first other."
            )
        every = np.array([told["success_before"], told["success_after"]], dtype=float)  # null, nan here: failed
        if failed := np.count_nonzero(np.isnan(every[1])):
            print(f"{path}: {failed} of {every[1].size} adaptations failed and are left out", file=sys.stderr)
        rows = np.nanmean(every, axis=2)
        for i, name in enumerate(names):
            if (numbers % len(names) == i).any():
                found[name].append(np.nanmean(rows[:, numbers % len(names) == i], axis=1))
    return {name: np.array(columns).T for name, columns in found.items() if columns}


if __name__ == "__main__":
    table = shares(sys.argv[1], sys.argv[2:])
    if len({columns.shape for columns in table.values()}) == 1:
        table["mean"] = np.mean(list(table.values()), axis=0)
    print(f"{'':26} before -> after adaptation, mean of the files (each)")
    for name, (before, after) in table.items():
        each = ", ".join(f"{b:.0%} -> {a:.0%}" for b, a in zip(before, after, strict=True))
        print(f"{name:26} {before.mean():6.1%} -> {after.mean():6.1%}   ({each})")
