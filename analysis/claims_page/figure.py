"""Where intervals lie, turned so that right of 0 is what is claimed: a line a claim, and all parts of all claims."""

import numpy as np
import style
from matplotlib.lines import Line2D
from papers.parts import BELOW, NOT_ABOVE, counted
from tables import readable
from verdicts.evidence import AGREES, DISAGREES, UNRESOLVED, Evidence
from verdicts.judged import DIVIDED, NOT_RUN, SHOWN, Judged

# Blue, vermilion and grey, with shapes of their own: no verdict is told by its colour alone.
LOOKS = {
    AGREES: dict(color=style.COLOURS[0], marker="o"),
    DISAGREES: dict(color=style.COLOURS[1], marker="s"),
    DIVIDED: dict(color=style.COLOURS[2], marker="P"),
    UNRESOLVED: dict(color=style.GREY, marker="D"),
    SHOWN: dict(color=style.GREY, marker="|"),
}
LINE = 0.185  # inches


WORDS = 100  # letters of a claim on its line


def overview(judged: list[Judged]):
    """A line a claim: its verdict, and the interval of the part that decides, divided by the distance of its farther
    end."""
    fig, (ax,) = style.figure(width=11.5, height=1.4 + 1.4 * LINE * len(judged))
    ax.axvline(0, color=style.BLACK, lw=1)
    texts = []
    for y, one in enumerate(judged):
        texts.append(_first_line(one, WORDS))
        look = LOOKS.get(one.verdict, LOOKS[SHOWN])
        if one.deciding:
            _interval(ax, -y, one.deciding, look)
        elif one.computed and one.verdict != NOT_RUN:
            ax.plot(1.0, -y, ms=5.5, **look)
        else:
            ax.annotate("not run", (0.02, -y), ha="left", va="center", fontsize=7, color=style.GREY)
    ax.set_yticks([-y for y in range(len(judged))], texts, fontsize=7.5)
    ax.set_ylim(-len(judged) + 0.4, 0.6)
    _finish(
        fig, ax, "part that decides on each claim: its difference and interval, to its own scale; colour: the verdict"
    )
    return fig


def draw(judged: list[Judged]):
    """One interval a line, each divided by the distance of its farther end from 0; its numbers beside it."""
    shown = [one for one in judged if one.run]
    lines = sum(len(one.run) + 1.6 for one in shown)
    fig, (ax,) = style.figure(width=11.5, height=1.4 + LINE * lines)
    ax.axvline(0, color=style.BLACK, lw=1)
    ticks, texts, y = [], [], 0.0
    for one in shown:
        y -= 1.4
        place = dict(xycoords=("figure fraction", "data"), va="center", annotation_clip=False)
        ground = dict(fc="white", ec="none", pad=1)  # over the line at 0
        ax.annotate(_first_line(one, 120), (0.01, y), fontsize=9, fontweight="bold", bbox=ground, **place)
        for each in one.run:
            y -= 1
            ticks.append(y)
            texts.append(
                each.part.about + " (beside)" * (not counted(each.part)) + " (seeds to come)" * bool(each.missing)
            )
            _interval(ax, y, each, LOOKS[each.verdict if counted(each.part) and not each.missing else SHOWN])
        y -= 0.2
    ax.set_yticks(ticks, texts, fontsize=8.5)
    ax.set_ylim(y - 0.6, 0)
    _finish(fig, ax, "difference over seeds and its interval, each to its own scale; strokes: the margin")
    return fig


def _first_line(one: Judged, letters: int) -> str:
    words = style.wrapped(f"{one.claim.number}. {one.claim.words}", letters).split("\n")
    return words[0] + " ..." * (len(words) > 1)


def _finish(fig, ax, about: str) -> None:
    ax.set_xlim(-1.08, 1.08)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_xticks([-1, 0, 1], ["against the claim", "0", "as claimed"])
    ax.set_xlabel(about)
    handles = [Line2D([], [], lw=2.2, label=verdict, **look) for verdict, look in LOOKS.items()]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def _interval(ax, y: float, each: Evidence, look: dict) -> None:
    sign = -1 if each.part.claimed in (BELOW, NOT_ABOVE) else 1
    edges, centre = sign * np.array(each.interval), sign * each.difference
    scale = np.nanmax(np.abs([*edges, centre, each.margin])) or 1.0
    ax.plot(edges / scale, (y, y), color=look["color"], lw=2.2, solid_capstyle="butt")
    ax.plot(centre / scale, y, ms=5.5, **look)
    if each.margin:
        ax.plot(np.array([-1, 1]) * each.margin / scale, (y, y), ls="", marker="|", ms=9, color=style.BLACK)
    low, high = each.interval
    text = f"{readable(each.difference)} [{readable(low)}, {readable(high)}]"
    place = dict(xycoords=ax.get_yaxis_transform(), va="center", fontsize=8.5, annotation_clip=False)
    ax.annotate(text, (1.01, y), **place)
