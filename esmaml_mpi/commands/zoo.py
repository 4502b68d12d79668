"""The ``zoo`` command: trained meta-policies that come with the package."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from esmaml_mpi.commands.arguments import Commands, columns
from esmaml_mpi.errors import UsageError, UserError
from esmaml_mpi.settings.plain_text import wrapped
from esmaml_mpi.training.standard_output import product, product_stream

if TYPE_CHECKING:  # it loads what only this command needs
    from esmaml_mpi.zoo.catalogue import Model


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    zoo = commands.add_parser(
        "zoo",
        help="trained meta-policies that come with the package",
        description="Small trained meta-policies. list says which there are, with scores before and after "
        "adaptation. get copies their results files, which are like any other. verify evaluates "
        "models again and compares with the stated scores: bit for bit if the task's arithmetic is "
        "this package's own, within an interval if libraries compute it. Its exit code is 1 if a "
        "score is not as stated.",
    )
    zoo.add_argument("action", choices=tuple(ACTIONS), help="what to do")
    zoo.add_argument("names", nargs="*", metavar="NAME", help="which models (default: all; get wants their names)")
    zoo.add_argument("--output", metavar="FILE", help="of get, for one model: where to (default: NAME.h5)")
    zoo.add_argument("--overwrite", action="store_true", help="of get: replace files that exist")
    zoo.set_defaults(run=zoo_command, collective=False)


def zoo_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.zoo.catalogue import catalogue, find

    if options.action != "get" and (options.output or options.overwrite):
        raise UsageError(f"zoo {options.action}: --output and --overwrite belong to get.")
    if options.action == "get" and not options.names:
        raise UsageError("zoo get: the name of a model is wanted; `esmaml zoo list` has them.")
    if options.output and len(options.names) > 1:
        raise UsageError(f"zoo get: --output {options.output} is for one model; leave it out for several.")
    return ACTIONS[options.action]([find(name) for name in options.names] or catalogue(), options)


def _list(models: "list[Model]", options: argparse.Namespace) -> int:
    product(f"{'name':<26} {'parameters':>10} {'kB':>5} {'before':>9} {'after':>9}")
    for model in models:
        size, scores = len(model.content()) / 1000, model.scores
        facts = f"{model.parameters:>10} {size:>5.0f} {scores.before:>9.2f} {scores.after:>9.2f}"
        product(f"{model.name:<26} {facts}")
        for line in wrapped(model.about, columns(product_stream()), "    "):
            product(line)
    return 0


def _get(models: "list[Model]", options: argparse.Namespace) -> int:
    from esmaml_mpi.results.atomic import replace_file

    paths = [Path(options.output or f"{model.name}.h5") for model in models]
    for path in paths:
        if path.exists() and (path.is_dir() or not options.overwrite):
            raise UsageError(f"{path} exists. Replace it with --overwrite, or choose another --output.")
    for path, model in zip(paths, models, strict=True):
        content = model.content()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error
        product(path)
    return 0


def _verify(models: "list[Model]", options: argparse.Namespace) -> int:
    from esmaml_mpi.zoo.verification import interval, verify

    bad = 0
    for model in models:
        try:
            verdict = verify(model)
        except UserError as error:  # a library that is missing, for example; the others are evaluated all the same
            print(f"esmaml: {model.name}: {error}", file=sys.stderr, flush=True)
            bad += 1
            continue
        told = []
        for name in ("before", "after"):
            found, stated = getattr(verdict.scores, name), getattr(model.scores, name)
            allowed = "" if model.exact else f" +- {interval(model.scores, name):.2f}"
            told.append(f"{name} {found:.2f} (stated {stated:.2f}{allowed})")
        outcome = "same bits" if verdict.same_bits else "within the interval" if verdict.good else "NOT AS STATED"
        product(f"{model.name:<26} {', '.join(told)}: {outcome}")
        bad += not verdict.good
    return 1 if bad else 0


ACTIONS = {"list": _list, "get": _get, "verify": _verify}
