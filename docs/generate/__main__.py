"""Write the reference pages from the code: `python docs/generate [FOLDER]`, by default docs/reference."""

import sys
from pathlib import Path

import commands
import configuration
import families
import results

PAGES = {"configuration": configuration, "results": results, "commands": commands, "tasks": families}
NOTE = "<!-- Made from the code by `python docs/generate`; do not edit. -->\n\n"


def main() -> None:
    """Write every page."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in PAGES.items():
        (folder / f"{name}.md").write_text(NOTE + module.page(), encoding="utf-8")


main()
