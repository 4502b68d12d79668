"""Text around panels: which policy, on which task, when, and how well."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, PAPER, WARNING = (26, 26, 26), (255, 255, 255), (200, 60, 0)
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
GAP = 8  # pixels between panels
LEAST_FONT, MOST_FONT = 8, 40  # pixels
WIDEST = "m" * 34  # a line that has to fit into a panel


class Page:
    """Lays out panels of ``width`` x ``height`` pixels side by side, each with three lines of text over it."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self.font_size = self._fitting(WIDEST, MOST_FONT)
        self.line = round(1.4 * self.font_size)
        self.top = 3 * self.line + self.line // 2

    def size(self, panels: int) -> tuple[int, int]:
        """Width and height of a page, both even, as H.264 wants them."""
        width, height = panels * self.width + (panels - 1) * GAP, self.top + self.height
        return width + width % 2, height + height % 2

    def compose(
        self,
        panels: list[np.ndarray],
        texts: list[list[str]],
        marks: Sequence[str] = ("", ""),
        colours: Sequence[tuple[int, int, int] | str] = (INK,) * 3,
    ) -> np.ndarray:
        """A frame (height, width, 3): each panel under its lines, and with its mark on it if that is not empty.

        ``colours`` are those of the three lines.
        """
        page = Image.new("RGB", self.size(len(panels)), PAPER)
        draw = ImageDraw.Draw(page)
        for i, (panel, lines, mark) in enumerate(zip(panels, texts, marks, strict=False)):
            left = i * (self.width + GAP)
            page.paste(Image.fromarray(panel), (left, self.top))
            for row, (text, colour) in enumerate(zip(lines, colours, strict=True)):
                place = (left + self.line // 3, row * self.line + self.line // 3)
                font = self._font(text)
                draw.text(place, self._cut(text, font), fill=colour, font=font)
            if mark:
                self._stamp(draw, left, mark)
        return np.asarray(page)

    def _stamp(self, draw: ImageDraw.ImageDraw, left: int, mark: str) -> None:
        """A label in the panel's upper right corner, and a frame around it."""
        font = self._font(mark)
        pad, right = self.line // 3, left + self.width
        start = right - draw.textlength(mark, font=font) - 2 * pad
        draw.rectangle((left, self.top, right - 1, self.top + self.height - 1), outline=WARNING, width=2)
        draw.rectangle((start, self.top, right - 1, self.top + self.line + pad), fill=WARNING)
        draw.text((start + pad, self.top + pad // 2), mark, fill=PAPER, font=font)

    def _font(self, text: str) -> Font:
        """The page's font, smaller where this text would not fit."""
        return ImageFont.load_default(self._fitting(text, self.font_size))

    def _cut(self, text: str, font: Font) -> str:
        """What of a text fits, which is all but in the smallest font."""
        whole = text
        while text and font.getlength(text + ".." * (text != whole)) > self.width - LEAST_FONT:
            text = text[:-1]
        return text if text == whole else text + ".."

    def _fitting(self, text: str, size: int) -> int:
        while size > LEAST_FONT and ImageFont.load_default(size).getlength(text) > self.width - size:
            size -= 1
        return size
