"""Simulations that draw themselves, such as a Gymnasium environment's."""

from typing import Protocol

import numpy as np

from esmaml_mpi.errors import FamilyError, UserError, in_words
from esmaml_mpi.rendering.offscreen import tell_others
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.rendering.requirement import need
from esmaml_mpi.tasks.family import TaskFamily

GROUND = (255, 255, 255)  # beside a picture of another shape


class DrawsItself(Protocol):
    """A simulation that draws its own frames."""

    def frame(self, column: int) -> np.ndarray:
        """Picture (height, width, 3) of the episode in this column as it is now."""


def own_frame(family: TaskFamily, simulation: DrawsItself, column: int) -> np.ndarray:
    """Picture (height, width, 3) uint8 that a simulation of this family draws; FamilyError if that is none."""
    tell_others()
    try:
        picture = np.asarray(simulation.frame(column))
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # whatever an environment does that lacks a library for drawing
        raise FamilyError(f"task family {family.name!r}: frame({column}) raised {in_words(error)}.") from error
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise FamilyError(
            f"task family {family.name!r}: frame({column}) gave an array of shape {picture.shape} and type "
            f"{picture.dtype}; (height, width, 3) of uint8 is wanted."
        )
    return picture


class OwnFrame(Painter[TaskFamily, DrawsItself]):
    """What ``simulation.frame(column)`` gives, scaled to fit."""

    def frame(self, simulation: DrawsItself, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        return self._scaled(own_frame(self.family, simulation, column))

    def _scaled(self, picture: np.ndarray) -> np.ndarray:
        if picture.shape == (self.height, self.width, 3):
            return picture
        need("PIL")
        from PIL import Image

        scale = min(self.height / picture.shape[0], self.width / picture.shape[1])
        height, width = (max(1, int(scale * side)) for side in picture.shape[:2])
        page = Image.new("RGB", (self.width, self.height), GROUND)
        page.paste(
            Image.fromarray(picture).resize((width, height)), ((self.width - width) // 2, (self.height - height) // 2)
        )
        return np.asarray(page)
