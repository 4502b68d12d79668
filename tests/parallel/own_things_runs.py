"""Several short runs in environments of tests/tasks/own_things.py, one after the other on the same ranks.

python own_things_runs.py FOLDER CASE... writes FOLDER/CASE.h5; what ends a run is printed by rank 0.
"""

import sys
from pathlib import Path

from esmaml_mpi.errors import UserError
from esmaml_mpi.parallel.connection import connect
from esmaml_mpi.training.launch import launch

sys.path.append(str(Path(__file__).parents[1] / "tasks"))

SETTINGS = {
    "policy": {"hidden": []},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2, "max_redraws": 2},
    "adaptation": {"queries": 2},
    "test": {"repeats": 1},
}
# Case -> environment, options beside it.
CASES = {
    "reach": ("Reach", {}),
    "one_world": ("OneWorld", {"instances": 1}),
    "global_noise": ("GlobalNoise", {"instances": 1}),
    "python_noise": ("PythonNoise", {"instances": 1}),
    "crowd": ("Crowd", {"instances": 1}),
    "only_one": ("OnlyOne", {"instances": 1}),
    "compiled": ("Compiled", {"instances": 1}),
    "calculator": ("Calculator", {"instances": 2}),
    "camera": ("Camera", {}),
    "apart": ("OneWorld", {"isolation": "process", "instances": 2}),
    "spike": ("Reads", {"arguments": {"value": 1e20}}),
    "clipped": ("Reads", {"arguments": {"value": 1e20}, "clip_observations": 10.0}),
    "hole": ("hole", {}),
    "broken": ("Broken", {}),
    "leaves": ("Ends", {}),
    "truncates": ("Truncates", {}),
}


def config(case: str, library: str = "") -> dict:
    """The run of a case."""
    name, options = CASES[case]
    vary = {} if name[0].islower() else {"vary_as": "attribute", "vary": {"goal": [-1.0, 1.0]}}
    if case == "compiled":
        options = {**options, "arguments": {"library": library}}
    options = {"environment": f"own_things:{name}", **vary, **options}
    return {**SETTINGS, "task": {"name": "gymnasium", "horizon": 10, "options": options}}


def main() -> int:
    """Run the cases."""
    folder, cases = Path(sys.argv[1]), sys.argv[2:]
    world = connect()
    for case in cases:
        if world.rank == 0:
            print(f"case {case}", flush=True)
        try:
            launch(world, config(case, str(folder / "world.so")), (), folder / f"{case}.h5", False, False)
        except UserError as error:  # of rank 0, which has told the others
            print(f"esmaml: {error}", flush=True)
    world.close(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
