"""The ``render`` command: pictures and videos of the meta-policy and the policy adapted from it."""

import argparse

from esmaml_mpi.commands.arguments import Commands, add_at, add_set_adaptation, add_trust


def add_parser(commands: Commands) -> None:
    """Add the command to the parser of ``esmaml``. Loads nothing heavy: every rank builds the parser."""
    render = commands.add_parser(
        "render",
        help="video of the meta-policy and the adapted policy",
        description="Make a video of the meta-policy and of the policy adapted from it, side by side on one task "
        "from the same start. Of point tasks it can also be a picture of the paths. No display is "
        "needed. One process does it.",
    )
    render.add_argument("results", metavar="RESULTS", help="results file of a training run, running ones too")
    help = ".mp4, .gif, or, for point tasks, .png (default: name of the results file, with .mp4)"
    render.add_argument("--output", metavar="FILE", help=help)
    render.add_argument("--overwrite", action="store_true", help="replace an existing file")
    render.add_argument("--task", type=int, metavar="ID", help="task id (default: the first of the run's test tasks)")
    add_at(render)
    render.add_argument("--seed", type=int, default=0, metavar="N", help="seed of adaptation and episodes (default: 0)")
    add_set_adaptation(render)
    add_trust(render)
    render.add_argument("--width", type=int, default=480, metavar="PIXELS", help="of each panel (default: 480)")
    render.add_argument("--height", type=int, default=400, metavar="PIXELS", help="of each panel (default: 400)")
    help = "1: real time, or 20 steps a second where steps have no duration; 0.5: slow motion (default: 1)"
    render.add_argument("--speed", type=float, default=1.0, metavar="FACTOR", help=help)
    help = "frames a second (default: one for each step, but at most 30, in a GIF 20)"
    render.add_argument("--fps", type=float, metavar="N", help=help)
    render.set_defaults(run=render_command, collective=False)


def render_command(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from esmaml_mpi.rendering.render import render

    return render(options)
