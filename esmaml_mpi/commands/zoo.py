"""The ``zoo`` command: trained meta-policies that come with the package."""

import argparse
import sys
from pathlib import Path

from esmaml_mpi.commands.arguments import Commands


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    zoo = commands.add_parser(
        "zoo",
        help="trained meta-policies that come with the package",
        description="Small trained meta-policies: list them, copy one, which is a results file like any other, or "
        "evaluate them again and compare with the scores stated of them.",
    )
    actions = zoo.add_subparsers(dest="action", required=True, metavar="list|get|verify")
    listed = actions.add_parser("list", help="what there is, with scores before and after adaptation")
    listed.set_defaults(run=list_command, collective=False)
    get = actions.add_parser("get", help="copy one's results file")
    get.add_argument("name", metavar="NAME", help="as `esmaml zoo list` has it")
    get.add_argument("--output", metavar="FILE", help="where to (default: NAME.h5)")
    get.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    get.set_defaults(run=get_command, collective=False)
    verify = actions.add_parser(
        "verify",
        help="evaluate them again",
        description="Evaluate models as they were when their scores were stated, and compare: the same bits where the "
        "task's arithmetic is this package's own, within an interval where libraries compute it. Exit code 1 if one is "
        "not as stated.",
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="those to evaluate (default: all)")
    verify.set_defaults(run=verify_command, collective=False)


def list_command(options: argparse.Namespace) -> int:
    """Print the catalogue; returns the exit code."""
    from esmaml_mpi.zoo.catalogue import catalogue

    print(f"{'name':<26} {'parameters':>10} {'kB':>5} {'before':>9} {'after':>9}  about")
    for model in catalogue():
        size, scores = model.path.stat().st_size / 1000, model.scores
        facts = f"{model.parameters:>10} {size:>5.0f} {scores.before:>9.2f} {scores.after:>9.2f}"
        print(f"{model.name:<26} {facts}  {model.about}")
    return 0


def get_command(options: argparse.Namespace) -> int:
    """Copy one; returns the exit code."""
    from esmaml_mpi.errors import UsageError
    from esmaml_mpi.results.writer import replace_file
    from esmaml_mpi.zoo.catalogue import find

    model = find(options.name)
    path = Path(options.output or f"{model.name}.h5")
    if path.exists() and (path.is_dir() or not options.overwrite):
        raise UsageError(f"{path} exists. Replace it with --overwrite, or choose another --output.")
    content = model.content()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error
    print(path)
    return 0


def verify_command(options: argparse.Namespace) -> int:
    """Evaluate again; returns the exit code, 1 if a model is not as stated or could not be evaluated."""
    from esmaml_mpi.errors import UserError
    from esmaml_mpi.zoo.catalogue import catalogue, find
    from esmaml_mpi.zoo.verification import interval, verify

    models = [find(name) for name in options.names] or catalogue()
    bad = 0
    for model in models:
        try:
            verdict = verify(model)
        except UserError as error:
            print(f"esmaml: {model.name}: {error}", file=sys.stderr, flush=True)
            bad += 1
            continue
        told = []
        for name in ("before", "after"):
            found, stated = getattr(verdict.scores, name), getattr(model.scores, name)
            allowed = "" if model.exact else f" +- {interval(model.scores, name):.2f}"
            told.append(f"{name} {found:.2f} (stated {stated:.2f}{allowed})")
        outcome = "same bits" if verdict.same_bits else "within the interval" if verdict.good else "NOT AS STATED"
        print(f"{model.name:<26} {', '.join(told)}: {outcome}", flush=True)
        bad += not verdict.good
    return 1 if bad else 0
