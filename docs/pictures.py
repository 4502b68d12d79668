"""The pictures of README and of these pages: what makes each of them.

    python docs/pictures.py                   make the quick ones again, in docs/
    python docs/pictures.py NAME... [--output FOLDER]
    python docs/pictures.py --list            all of them, with commands and times

Quick ones take half a minute or less. They are made of numbers that are kept here, or of a run whose numbers are the
same everywhere. tests/docs compares them with the pictures that are here.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[1]
COLOURS = 256
PYTHON = shlex.quote(sys.executable)
PROGRAMS = {"esmaml": f"{PYTHON} -m esmaml_mpi", "python": PYTHON}


@dataclass(frozen=True)
class Picture:
    """``commands`` leave WORK/NAME.png; they are run in the repository's folder. ``minutes`` on two cores, if known."""

    name: str
    minutes: float | None  # 0: a quick one
    commands: tuple[str, ...]

    @property
    def quick(self) -> bool:
        """Whether it is made by default."""
        return self.minutes == 0


def _run(name: str, config: str, minutes: float = 0) -> Picture:
    """One run: its curves, and what it does."""
    train = f"esmaml train {config} --output WORK/NAME.h5"
    return Picture(name, minutes, (train, "esmaml plot run WORK/NAME.h5"))


def _sweep(name: str, minutes: float, experiment: str, drawn: str, size=" --size small", more="") -> Picture:
    """``drawn``: which of the pictures that the experiment file draws."""
    sweep = f"esmaml sweep configs/{experiment}.toml{size}{more} --output WORK/runs"
    draw = f"esmaml plot draw configs/{experiment}.toml WORK/runs{size}"
    return Picture(name, minutes, (sweep, draw, f"cp WORK/runs/{drawn}.png WORK/NAME.png"))


CLAIMS = ("python analysis/claims.py --summary docs/claims.json --output WORK/NAME.md",)
SCALING = ("cp docs/scaling.json WORK", "python benchmarks/scaling_report.py WORK/NAME.json")
CHEETAH = "configs/half_cheetah_forward_backward.toml --set sweep.seeds=3"
SHARING = (
    f"esmaml sweep {CHEETAH} --output WORK/shared",
    f"esmaml sweep {CHEETAH} --set adaptation.share_rollouts=false --set meta.iterations=42 --output WORK/own",
    "esmaml plot learning_curves WORK/shared/*.h5 WORK/own/*.h5 --x env_steps --output WORK/NAME.png",
)

PICTURES = (
    Picture("claims", 0, CLAIMS),
    Picture("scaling", 0, SCALING),
    _run("first_run", "configs/recommended/four_corners_few_trials.toml"),
    _run("four_corners", "configs/four_corners.toml"),
    _run("ferry", "examples/ferry.toml", 1),
    _sweep("learning", 25, "four_corners_learning", "learning", size=""),
    _sweep("operators", 10, "figure_1", "figure_1b", more=" --set sweep.seeds=5"),
    _sweep("six_circles", 8, "figure_2", "tanh_seed0"),
    _sweep("figure_1a", 16, "figure_1", "figure_1a"),
    _sweep("figure_5", 13, "figure_5", "linear"),
    _sweep("figure_a1_corners", 9, "figure_a1", "corners"),
    _sweep("figure_a1_ant", 9, "figure_a1", "ant"),
    _sweep("figure_a2_cheetah", 13, "figure_a2", "cheetah"),
    _sweep("figure_a2_ant", 13, "figure_a2", "ant"),
    _sweep("figure_a4", 8, "figure_a4", "figure_a4"),
    Picture("half_cheetah_forward_backward", None, SHARING),
)


def make(picture: Picture, folder: Path) -> Path:
    """Make a picture in a folder; returns where it is. CalledProcessError if a command fails."""
    with tempfile.TemporaryDirectory() as work:
        for line in picture.commands:
            _call(line.replace("WORK", work).replace("NAME", picture.name))
        made = folder / f"{picture.name}.png"
        _save(Path(work, made.name), made)
    return made


def _save(drawn: Path, made: Path) -> None:
    """With a palette, which takes a half to a third of the bytes, and what tells programs here that it is theirs."""
    mark = PngInfo()
    with Image.open(drawn) as image:
        mark.add_text("Software", image.info["Software"])
        image.convert("RGB").quantize(COLOURS).save(made, optimize=True, pnginfo=mark)


def _call(line: str) -> None:
    program, rest = line.split(" ", 1)
    subprocess.run(f"{PROGRAMS.get(program, program)} {rest}", shell=True, cwd=ROOT, check=True, stdout=sys.stderr)


def main() -> None:
    """List or make."""
    names = [picture.name for picture in PICTURES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="pictures to make (default: the quick ones)")
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=ROOT / "docs", help="default: docs/")
    parser.add_argument("--list", action="store_true", help="say how each is made, and make none")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no picture {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    for picture in PICTURES:
        if options.list:
            about = f", about {picture.minutes:g} minutes on two cores" if picture.minutes else ""
            about += ", made by default" * picture.quick
            print("\n  ".join([f"{picture.name}.png{about}:", *picture.commands]).replace("NAME", picture.name))
        elif picture.name in options.names or (picture.quick and not options.names):
            print(make(picture, options.output))


if __name__ == "__main__":
    main()
