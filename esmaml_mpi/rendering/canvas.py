"""Matplotlib as a fast painter: what stays is drawn once, what moves is drawn over a copy of it."""

from collections.abc import Callable, Hashable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#7F7F7F", "#1A1A1A"
FINE = "#E3E3E3"
POINTS = 400  # pixels of the shorter side at which text has the sizes below
FONT = 9


class Canvas:
    """One pair of axes that fills a frame; needs no display and leaves Matplotlib's global state alone."""

    def __init__(self, width: int, height: int):
        dpi = 100 * min(width, height) / POINTS
        # A hundredth of a pixel more, so that rounding down gives these very sizes.
        figure = Figure(figsize=((width + 0.01) / dpi, (height + 0.01) / dpi), dpi=dpi, layout="constrained")
        self.canvas, self.axes = FigureCanvasAgg(figure), figure.add_subplot()
        self._key: Hashable = None
        self._still: object = None

    def paint(self, key: Hashable, still: Callable[[Axes], None], moving: Callable[[Axes], list[Artist]]) -> np.ndarray:
        """A frame (height, width, 3): ``still`` draws what is the same for the same ``key``, ``moving`` the rest."""
        if key != self._key:
            self.axes.clear()
            self.axes.tick_params(labelsize=FONT)
            still(self.axes)
            self.axes.xaxis.label.set_fontsize(FONT)
            self.axes.yaxis.label.set_fontsize(FONT)
            self.canvas.draw()
            self._still, self._key = self.canvas.copy_from_bbox(self.canvas.figure.bbox), key
        self.canvas.restore_region(self._still)
        for artist in moving(self.axes):
            self.axes.draw_artist(artist)
            artist.remove()
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()


def grid(axes: Axes) -> None:
    """Fine lines behind everything else."""
    axes.grid(color=FINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
