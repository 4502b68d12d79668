"""All parts of all claims in one picture: where each interval lies, turned so that right of 0 is what is claimed."""

import numpy as np
import style
from claim_parts import BELOW, NOT_ABOVE
from claim_verdicts import AGREES, DISAGREES, SHOWN, UNRESOLVED, Evidence, Judged, counted
from matplotlib.lines import Line2D
from tables import readable

# Blue, vermilion and grey, with shapes of their own: no verdict is told by its colour alone.
LOOKS = {
    AGREES: dict(color=style.COLOURS[0], marker="o"),
    DISAGREES: dict(color=style.COLOURS[1], marker="s"),
    UNRESOLVED: dict(color=style.GREY, marker="D"),
    SHOWN: dict(color=style.GREY, marker="|"),
}
LINE = 0.185  # inches


def draw(judged: list[Judged]):
    """One interval a line, each divided by the distance of its farther end from 0; its numbers beside it."""
    shown = [one for one in judged if one.run]
    lines = sum(len(one.run) + 1.6 for one in shown) or 1.6
    fig, (ax,) = style.figure(width=11.5, height=1.4 + LINE * lines)
    ax.axvline(0, color=style.BLACK, lw=1)
    ticks, texts, y = [], [], 0.0
    for one in shown:
        y -= 1.4
        place = dict(xycoords=("figure fraction", "data"), va="center", annotation_clip=False)
        ground = dict(fc="white", ec="none", pad=1)  # over the line at 0
        words = style.wrapped(f"{one.claim.number}. {one.claim.words}", 130).split("\n")[0]
        ax.annotate(words, (0.01, y), fontsize=9, fontweight="bold", bbox=ground, **place)
        for each in one.run:
            y -= 1
            ticks.append(y)
            texts.append(each.part.about + " (beside)" * (not counted(each.part)))
            _interval(ax, y, each)
        y -= 0.2
    ax.set_yticks(ticks, texts, fontsize=8.5)
    if not shown:
        ax.annotate("nothing has been run", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center")
    ax.set_ylim(y - 0.6, 0)
    ax.set_xlim(-1.08, 1.08)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_xticks([-1, 0, 1], ["against the claim", "0", "as claimed"])
    ax.set_xlabel("difference over seeds and its interval, each to its own scale; bars: the margin, where there is one")
    handles = [Line2D([], [], lw=2.2, label=verdict, **look) for verdict, look in LOOKS.items()]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return fig


def _interval(ax, y: float, each: Evidence) -> None:
    sign = -1 if each.part.claimed in (BELOW, NOT_ABOVE) else 1
    look = LOOKS[each.verdict if counted(each.part) else SHOWN]
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
