"""Arguments that several commands share."""

import argparse


def add_at(parser, default: str | None = "last") -> None:
    """Which of a run's parameters; ``default`` None tells one that was not given from one that was."""
    parser.add_argument(
        "--at",
        default=default,
        metavar="WHEN",
        help="which parameters: last, best (by test reward), or an iteration (default: last)",
    )


def add_set(parser) -> None:
    """Overrides of a configuration."""
    _add_set(parser, "SECTION.KEY=VALUE", "override one setting, e.g. meta.sigma=0.05; repeatable")


def add_set_adaptation(parser) -> None:
    """Overrides of how a trained meta-policy is adapted."""
    example = "adapt otherwise than in training, e.g. adaptation.queries=5; repeatable"
    _add_set(parser, "adaptation.KEY=VALUE", example)


def positive(text: str) -> int:
    """The type of an argument that is an integer >= 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _add_set(parser, metavar: str, help: str) -> None:
    parser.add_argument("--set", action="append", default=[], metavar=metavar, help=help)
