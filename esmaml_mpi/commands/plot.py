"""The ``plot`` command: pictures and tables of results files, by the scripts of analysis/."""

import argparse
import difflib
import sys

from esmaml_mpi.commands.arguments import Commands
from esmaml_mpi.commands.scripts import add_script, run_script

PROGRAM = "esmaml plot"

# Name -> script of analysis/, what it shows.
PLOTS = {
    "run": ("plot_run", "one run: its learning curve, and paths or predictions"),
    "learning_curves": ("learning_curves", "reward over iterations, rollouts, environment steps or seconds"),
    "adaptation_curves": ("adaptation_curves", "reward over the rollouts that one adaptation has used"),
    "exploration": ("exploration", "paths of point tasks, run beside run"),
    "final_scores": ("final_scores", "table of final scores with intervals"),
    "comparison": ("comparison", "whether groups of runs differ, as `esmaml compare`"),
    "operators": ("operators", "final scores of adaptation operators over K or noise"),
    "timing": ("timing", "where an iteration's time goes; efficiency over ranks and threads"),
    "draw": ("draw", "all figures of an experiment file, from the folder of its runs"),
}


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    add_script(
        commands,
        "plot",
        help="pictures and tables of any runs",
        description="Pictures and tables of results files, finished or running. `esmaml plot` lists them, and "
        "`esmaml plot NAME --help` explains one. In a checkout they are the scripts of analysis/.",
        run=plot_command,
        scripts={f"{PROGRAM} {name}": script for name, (script, _) in PLOTS.items()},
    )


def plot_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    name, *arguments = options.arguments or [""]
    if name in PLOTS:
        return run_script(PLOTS[name][0], f"{PROGRAM} {name}", arguments)
    if name in ("-h", "--help"):
        print(f"usage: {PROGRAM} NAME ARGUMENTS...\n\n{_listed()}")
        return 0
    wrong = f"there is no picture of the name {name!r}.{_nearest(name)}" if name else "a name is wanted."
    print(f"{PROGRAM}: {wrong}\n{_listed()}", file=sys.stderr)
    return 2


def _listed() -> str:
    """Every name with what it shows."""
    width = max(map(len, PLOTS)) + 2
    lines = [f"  {name:{width}}{shows}" for name, (_, shows) in PLOTS.items()]
    return "\n".join([*lines, f"{PROGRAM} NAME --help explains one."])


def _nearest(name: str) -> str:
    """As " Did you mean 'run'?" for plot_run.py; empty if nothing is near."""
    known = {word: own for own, (script, _) in PLOTS.items() for word in (own, script)}
    near = difflib.get_close_matches(name.removesuffix(".py"), known, n=1)
    return f" Did you mean {known[near[0]]!r}?" if near else ""
