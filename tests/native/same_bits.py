"""What can make a processor compute other bits, the configurations that are tried under it, and their hashes.

    python tests/native/same_bits.py [NAME ...]       a table of hashes, as docs/same_bits.md has it
    python tests/native/same_bits.py hashes NAME ...  those of this process, as JSON

Each switch is tried in a process of its own.
"""

import ctypes
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy._core import _multiarray_umath as numpy_core

FOLDER = Path(__file__).parents[1] / "results" / "first_version"
HWCAPS = ",".join(f"-{each}" for each in ("AVX512F", "AVX512VL", "AVX2", "FMA", "FMA4"))

_SMALL = {
    "task": {"name": "four_corners", "horizon": 20},
    "policy": {"hidden": [4]},
    "meta": {"iterations": 4, "perturbations": 6, "current_evaluations": 2},
    "adaptation": {"queries": 4},
    "test": {"every": 2, "repeats": 2},
}


def _with(**sections):
    return {name: {**_SMALL.get(name, {}), **sections.get(name, {})} for name in {**_SMALL, **sections}}


_DPP = {"directions": "dpp", "direction_options": {"rho": 6, "kernel": "cosine"}}  # eigenvalues that coincide
# Ours alone: one hash wherever they run.
OURS = {
    **{
        name: FOLDER / f"{name}.toml"
        for name in ("zero_order_linear", "zero_order_width_32", "first_order_local", "evo_zero_order")
    },
    "hill_climbing_dpp": FOLDER / "hill_climbing_dpp.toml",
    "cartpole": _with(task={"name": "cartpole_sensor_bias", "horizon": 60}),
    "cartpole_relu_adam": _with(
        task={"name": "cartpole_sensor_bias", "horizon": 60},
        policy={"hidden": [5, 3, 2], "activation": "relu"},
        meta={"optimizer": "adam", "iterations": 12},
    ),
    "sinusoid": _with(task={"name": "sinusoid", "horizon": 10}, meta={"directions": "hadamard"}),
    "six_circles_qmc": _with(
        task={"name": "six_circles"}, meta={"directions": "quasi_monte_carlo"}, adaptation={"directions": "hadamard"}
    ),
    "orthogonal_ridge": _with(
        meta={"directions": "orthogonal", "decoder": "ridge", "perturbations": 20},
        adaptation={"directions": "orthogonal", "decoder": "ridge", "decoder_options": {"intercept": True}},
    ),
    "active_subspace": _with(meta={"directions": "active_subspace", "memory_rows": 5, "iterations": 12}),
    "dpp_learned": _with(
        meta={"directions": "dpp", "direction_options": {"kernel": "learned"}, "iterations": 8, "memory_rows": 4},
        adaptation=_DPP,
    ),
    "dpp_shared_eigenvalues": _with(policy={"hidden": []}, meta=_DPP, adaptation=_DPP),
    "hessian": _with(
        policy={"hidden": [3, 3], "activation": "tanh"},
        meta={"algorithm": "first_order", "use_hessian": True},
        adaptation={"estimator": "antithetic"},
    ),
    "snes": _with(meta={"algorithm": "snes", "current_evaluations": 1, "iterations": 12}),
    "zero_order_reuse": _with(
        meta={
            "algorithm": "zero_order_reuse",
            "current_evaluations": 1,
            "iterations": 12,
            "step_size_schedule": {"shape": "cosine"},
            "optimizer_options": {"momentum": 0.9, "clip": 1.0},
        }
    ),
    "population_chain": {
        **_SMALL,
        "adaptation": {
            "operator": "chain",
            "links": [
                {"operator": "population_search"},
                {"operator": "es_gradient", "queries": 5, "decoder": "ridge"},
            ],
        },
    },
    "outliers": _with(task={"name": "four_corners", "horizon": 20, "corruption": {"fraction": 0.3, "noise_std": 0.1}}),
}
# Solvers and simulators that are others'.
OTHERS = {
    "lasso": _with(meta={"decoder": "lasso"}),
    "lp": _with(policy={"hidden": []}, meta={"decoder": "lp", "perturbations": 20}),
    **{name: FOLDER / f"{name}.toml" for name in ("pg_maml", "half_cheetah_shared", "gymnasium_environment")},
    "ant": _with(task={"name": "ant_goal_velocity", "horizon": 20}, policy={"hidden": []}),
}
# OpenBLAS's kernels of x86, and what a processor needs for each.
CORES = {"Prescott": (), "Nehalem": ("SSE42",), "Haswell": ("AVX2", "FMA3"), "SkylakeX": ("AVX512_SKX",)}


def switches():
    """Name -> environment variables, of those that change something on this machine."""
    from esmaml_mpi.native import door

    dispatched = [each for each in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[each]]
    found = {name: {"ESMAML_NATIVE": name} for name in door.names()}
    for i in range(len(dispatched)):
        found[f"NumPy without {dispatched[i]} and above"] = {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched[i:])}
    if os.uname().machine == "x86_64":
        for core, needed in CORES.items():
            # OpenBLAS takes the core it is told, and one whose instructions the processor lacks ends the process.
            if all(numpy_core.__cpu_features__[each] for each in needed):
                found[f"OpenBLAS for {core}"] = {"OPENBLAS_CORETYPE": core}
        found["glibc without AVX2 and FMA"] = {"GLIBC_TUNABLES": f"glibc.cpu.hwcaps={HWCAPS}"}
        for most in ("AVX2", "SSE4_2"):
            found[f"XLA up to {most}"] = {"XLA_FLAGS": f"--xla_cpu_max_isa={most}"}
        found["all of these at their oldest"] = {
            "ESMAML_NATIVE": "sse2",
            "NPY_DISABLE_CPU_FEATURES": " ".join(dispatched),
            "OPENBLAS_CORETYPE": "Prescott",
            "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={HWCAPS}",
            "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        }
    return found


CLEARED = ("ESMAML_NATIVE", "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES", "XLA_FLAGS")


def under(variables, names):
    """{"effect": what is in use, "hashes": by configuration} of a process of its own with these variables."""
    plain = {key: value for key, value in os.environ.items() if key not in CLEARED}
    command = [sys.executable, __file__, "hashes", *names]
    done = subprocess.run(command, env={**plain, **variables}, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{variables or 'no variable set'}: ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def effect():
    """What a switch changes, in this process: kernels, NumPy's features, OpenBLAS's core, the place of glibc's sine."""
    from esmaml_mpi.native import door

    features = [each for each in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[each]]
    return {"kernels": door.described(), "numpy": features, "openblas": _core(), "glibc": _place_of_sine()}


def _core():
    for folder in (Path(np.__file__).parents[1] / "numpy.libs", Path(np.__file__).parent / ".dylibs"):
        for path in folder.glob("libscipy_openblas*"):
            name = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_corename64_", None)
            if name is not None:
                name.restype = ctypes.c_char_p
                return name().decode()
    return ""


def _place_of_sine():
    """Offset of the variant of ``sin`` that the loader has chosen; 0 where there is no glibc."""
    try:
        sine = ctypes.cast(ctypes.CDLL("libm.so.6").sin, ctypes.c_void_p).value
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return 0
    return sine - min(int(line.partition("-")[0], 16) for line in lines if "libm.so.6" in line or "libm-2" in line)


def digest(results):
    """Of all numbers of a run but times."""
    from esmaml_mpi.results.history import GROUPS

    found = hashlib.blake2b(digest_size=4)
    for group in sorted(set(GROUPS) - {"timing"}):
        rows = results.history[group]
        empty = {name for name in rows if name == "reused" and np.isnan(rows[name]).all()}  # as if it were not there
        for name in sorted(set(rows) - {"seconds"} - empty):
            found.update(f"{group}/{name}".encode() + np.ascontiguousarray(rows[name]).tobytes())
    for name, array in _leaves("", results.checkpoint):
        found.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _leaves(path, tree):
    if not isinstance(tree, dict):
        return [(path, tree)]
    return [leaf for name in sorted(tree) for leaf in _leaves(f"{path}/{name}", tree[name])]


def main():
    """See the top."""
    known = {**OURS, **OTHERS}
    if sys.argv[1:2] == ["hashes"]:
        import esmaml_mpi

        warnings.simplefilter("ignore")
        hashes = {name: digest(esmaml_mpi.train(known[name])) for name in sys.argv[2:]}
        print(json.dumps({"effect": effect(), "hashes": hashes}))
        return
    names = sys.argv[1:] or list(known)
    rows = {"as it is": {}, **switches()}
    found = {name: under(variables, names) for name, variables in rows.items()}
    first = found["as it is"]["hashes"]
    print("| configuration | as it is | other under |\n|---|---|---|")
    for config in names:
        hashes = {name: found[name]["hashes"][config] for name in rows}
        others = [f"{name}: `{each}`" for name, each in hashes.items() if each != first[config]]
        print(f"| {config} | `{first[config]}` | {'; '.join(others) or 'none'} |", flush=True)
    print()
    for name in rows:
        print(f"- {name}: {found[name]['effect']}")


if __name__ == "__main__":
    main()
