"""From a pair of episodes to the frames of its video: which steps are shown, and what is written over them."""

from collections.abc import Iterator

import numpy as np

from esmaml_mpi.rendering.caption import INK, Page
from esmaml_mpi.rendering.moment import Moment
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.rendering.pair import POLICIES, Pair
from esmaml_mpi.rendering.words import task_in_words

STEPS_PER_SECOND = 20.0  # of a video, where the simulated steps have no duration


class Film:
    """Plays the pair once to know how long it takes and how far it goes, and once more for each call of ``frames``."""

    def __init__(self, pair: Pair, painter: Painter, speed: float, fps: float | None, most_fps: float):
        self.pair, self.painter = pair, painter
        for last in pair.play():
            self.last = last
        painter.fit(last.simulation, last.paths)
        first = next(pair.play(drawn=[0]))  # fails now, not at the first frame, if the family cannot be drawn
        painter.frame(first.simulation, 0, first.observations, pair.tasks)
        self.rate = speed * (STEPS_PER_SECOND if painter.seconds is None else 1 / painter.seconds)  # steps a second
        self.fps = fps or min(self.rate, most_fps)
        self.page = Page(painter.width, painter.height)
        self.task = f"{pair.family.name}, task {pair.task}: {task_in_words(pair.family, pair.tasks[:, 0])}"

    @property
    def shown(self) -> list[int]:
        """The step of each frame; the first and the last are always shown."""
        steps = self.last.step
        count = int(steps * self.fps / self.rate) + 1
        shown = [min(round(i * self.rate / self.fps), steps) for i in range(count)]
        return shown if shown[-1] == steps else [*shown, steps]

    def frames(self) -> Iterator[np.ndarray]:
        """Frames (height, width, 3) uint8 of even sizes. Episodes that are over stay as they were."""
        shown = self.shown
        panels: dict[int, np.ndarray] = {}
        finished = [False] * len(POLICIES)
        for moment in self.pair.play(drawn=shown):
            repeats = shown.count(moment.step)
            if repeats == 0:
                continue
            for i, length in enumerate(moment.lengths):
                if not finished[i]:
                    seen = moment.observations[: length + 1]
                    panels[i] = self.painter.frame(moment.simulation, i, seen, self.pair.tasks)
                    finished[i] = bool(moment.over[i])
            texts = [self._lines(moment, i) for i in range(len(POLICIES))]
            frame = self.page.compose(list(panels.values()), texts, [_mark(moment, i) for i in range(len(POLICIES))])
            for _ in range(repeats):
                yield frame

    def picture(self) -> np.ndarray:
        """Both whole paths in one frame; for painters with a method ``picture``."""
        from esmaml_mpi.rendering.canvas import BLUE, GREY  # Matplotlib, which bodies do without

        looks = (" (dashed)", "")
        lines = [f"{name}{looks[i]}: {_reward(self.last, i)}" for i, name in enumerate(POLICIES)]
        assert hasattr(self.painter, "picture")
        paths: np.ndarray = self.painter.picture(self.last.paths, self.pair.tasks[:, 0])
        return self.page.compose([paths], [[self.task, *lines]], colours=(INK, GREY, BLUE))

    def _lines(self, moment: Moment, i: int) -> list[str]:
        seconds, step = self.painter.seconds, moment.lengths[i]
        when = f"step {step} of {self.last.step}" if seconds is None else f"{step * seconds:.2f} s"
        return [POLICIES[i], self.task, f"{when},  {_reward(moment, i)}"]


def _reward(moment: Moment, i: int) -> str:
    reward = moment.returns[i]
    return f"reward {reward:.2f}" if np.isfinite(reward) else "no reward: the episode failed"


def _mark(moment: Moment, i: int) -> str:
    if not np.isfinite(moment.returns[i]):
        return "failed"
    return f"over after {moment.lengths[i]} steps" if moment.over[i] else ""
