"""The papers' empirical claims and what results files say of them: a page of Markdown and a figure.

Examples: python analysis/claims.py results/ --output docs/claims.md --summary docs/claims.json
          python analysis/claims.py --summary docs/claims.json --output docs/claims.md
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import script
import style
from claim_list import CLAIMS, named
from claims_page import curves, figure, pictures
from claims_page.page import counts, page
from verdicts.judged import Judged, judge
from verdicts.runs import collect
from verdicts.summary import Summary, paths_file

from esmaml_mpi.errors import UsageError, UserError

CURVES_DPI = 90


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Read, judge, write; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    style.check_output(options.output, (".md",))
    if options.summary and options.results:
        for path in (options.summary, paths_file(options.summary)):
            style.check_output(path, (".json",))
    picture = style.check_output(options.output.with_suffix(".png"))
    summary = _summary(options, note)
    judged = judge(CLAIMS, summary)
    style.save(figure.overview(judged), picture)
    names = _curves(judged, summary, options.output), _paths(judged, summary, options.output)
    text = page(judged, _command(options), picture.name, *names)
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {options.output}: {error.strerror or error}.") from error
    for one in judged:
        print(f"{one.claim.number:2}. {one.verdict}{counts(one)}: {one.claim.words}")
    print(options.output)


def _curves(judged: list[Judged], summary: Summary, output: Path) -> dict[int, str]:
    """Draw the curves of each claim that has some, and under 0 all parts, in a folder beside the page; the pictures'
    names from there.
    """
    drawn = ((one.claim.number, curves.draw(one, summary)) for one in judged)
    names = _save(drawn, lambda number: f"{number:02}", output)
    return names and names | _save([(0, figure.draw(judged))], lambda number: "parts", output)


def _paths(judged: list[Judged], summary: Summary, output: Path) -> dict[int, str]:
    """Draw the paths of each claim that has some, beside its curves; the pictures' names."""
    drawn = ((one.claim.number, pictures.draw(one.claim, summary)) for one in judged)
    return _save(drawn, lambda number: f"{number:02}_paths", output)


def _save(drawn: Iterable[tuple], name: Callable[[int], str], output: Path) -> dict[int, str]:
    """Each figure, where there is one, as it comes: all at once would be many."""
    folder, names = output.with_name(f"{output.stem}_curves"), {}
    for number, made in drawn:
        if made is None:
            continue
        path = folder / f"{name(number)}.png"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder}: {error.strerror or error}.") from error
        with plt.rc_context({"savefig.dpi": CURVES_DPI}):  # there are many of them
            style.save(made, style.check_output(path))
        names[number] = f"{folder.name}/{path.name}"
    return names


def _summary(options, note) -> Summary:
    """Out of results, and then written if asked; or read."""
    if not options.results:
        if options.summary is None:
            raise UsageError("results files or folders are wanted, or --summary FILE to read.")
        return Summary.read(options.summary)
    summary = collect(options.results, named(CLAIMS), note)
    if options.summary:
        summary.write(options.summary)
        print(options.summary)
    return summary


def _command(options) -> str:
    """What makes the same page again, of files below the current folder."""
    source = f"--summary {_shown(options.summary)}" if options.summary else "RESULTS..."
    return f"esmaml claims {source} --output {_shown(options.output)}"


def _shown(path: Path) -> str:
    return path.name if path.is_absolute() else path.as_posix()


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="claims",
        description="Say what the papers claim and what results say of it. Each claim has a difference over "
        "seeds, its interval, and a verdict. Results are matched to the experiment files in configs/ "
        "by their configuration. Their names do not matter. A seed that the files name for one size counts there, any "
        "other wherever the configuration fits; any number of iterations will do. "
        "Unfinished runs count as far as they are.",
    )
    parser.add_argument("results", metavar="RESULTS", nargs="*", type=Path, help="results files, or folders of them")
    parser.add_argument(
        "--summary",
        metavar="FILE",
        type=Path,
        help="the few numbers used, as JSON, paths in a second file beside it: written, or without RESULTS read, so "
        "that the page can be made again where the results files are not",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("claims.md"),
        help="page to write, its figures beside it as .png (default: claims.md in the current folder)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
