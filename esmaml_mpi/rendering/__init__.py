"""Pictures and videos of episodes. A painter draws one episode of a running simulation into one frame."""

import sys

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.rendering.requirement import need
from esmaml_mpi.tasks.cartpole_sensor_bias import CartPoleSensorBias
from esmaml_mpi.tasks.family import Simulation, TaskFamily
from esmaml_mpi.tasks.point import PointFamily
from esmaml_mpi.tasks.sinusoid import Sinusoid


def make_painter(family: TaskFamily, width: int, height: int) -> Painter:
    """The painter of a family's episodes, for frames of this many pixels.

    Point tasks, regression and the cart-pole have theirs, which are drawn by Matplotlib. For any other family the
    simulation decides at the first frame: FamilyError if it can neither draw itself nor is a MuJoCo body.
    """
    if isinstance(family, (PointFamily, Sinusoid, CartPoleSensorBias)):
        need("matplotlib")
    if isinstance(family, PointFamily):
        from esmaml_mpi.rendering.top_view import TopView

        return TopView(family, width, height)
    if isinstance(family, Sinusoid):
        from esmaml_mpi.rendering.regression import Regression

        return Regression(family, width, height)
    if isinstance(family, CartPoleSensorBias):
        from esmaml_mpi.rendering.cart_pole import CartPole

        return CartPole(family, width, height)
    return ChosenBySimulation(family, width, height)


class ChosenBySimulation(Painter[TaskFamily, Simulation]):
    """For families that only their simulations tell apart: MuJoCo bodies, and those that draw their own frames."""

    chosen: Painter | None = None

    def frame(self, simulation: Simulation, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        if self.chosen is None:
            self.chosen = self._choose(simulation)
        return self.chosen.frame(simulation, column, observations, tasks)

    def close(self) -> None:
        if self.chosen is not None:
            self.chosen.close()

    def _choose(self, simulation: Simulation) -> Painter:
        if hasattr(simulation, "frame"):
            from esmaml_mpi.rendering.own_frame import OwnFrame

            return OwnFrame(self.family, self.width, self.height)
        # A simulation of bodies can only exist where its module is loaded, so that MuJoCo need not be.
        bodies = sys.modules.get("esmaml_mpi.tasks.locomotion.simulation")
        if bodies is not None and isinstance(simulation, bodies.BodySimulation):
            from esmaml_mpi.rendering.body import BodyPainter

            return BodyPainter(self.family, self.width, self.height)
        raise FamilyError(
            f"task family {self.family.name!r} cannot be drawn: its {type(simulation).__name__} has no method "
            "frame(column) that gives a picture (height, width, 3), and it is neither a point task, the sinusoid, the "
            "cart-pole, nor a MuJoCo body."
        )
