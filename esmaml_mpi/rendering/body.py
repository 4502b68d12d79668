"""MuJoCo bodies: the scene that a camera sees which follows them."""

from typing import Any

import mujoco
import numpy as np

from esmaml_mpi.rendering.offscreen import make_context
from esmaml_mpi.rendering.painter import Painter
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.locomotion.aims import GoalPosition
from esmaml_mpi.tasks.locomotion.simulation import BodySimulation

FOLLOWING = (mujoco.mjtCamLight.mjCAMLIGHT_TRACK.value, mujoco.mjtCamLight.mjCAMLIGHT_TRACKCOM.value)
MOST_GEOMS = 2000
SHADOW_PIXELS = 1024  # side of the shadow map; the 4096 of most models cost half the time in software
DISTANCE, ELEVATION, AZIMUTH = 2.5, -20.0, 90.0  # where the model has no camera: in model extents, and degrees
GOAL_RADIUS, GOAL_COLOUR = 0.15, (0.0, 0.62, 0.45, 1.0)  # metres; red, green, blue, opacity


class BodyPainter(Painter[TaskFamily, BodySimulation]):
    """One OpenGL context, made at the first frame, for all episodes of a family."""

    def __init__(self, family: TaskFamily, width: int, height: int):
        super().__init__(family, width, height)
        self._gl: Any = None  # of one of several classes of MuJoCo's
        self._context: mujoco.MjrContext | None = None
        self._scene: mujoco.MjvScene | None = None

    def frame(self, simulation: BodySimulation, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        model, data = simulation.physics.get_model(column), simulation.physics.get_data(column)
        if self._context is None or self._scene is None:
            self._context, self._scene = self._open(model)
        if not np.isfinite(data.qpos).all():  # it has diverged: its initial state stands for it
            mujoco.mj_resetData(model, data)
        # What drawing needs of mj_forward, which may fail on a state that has nearly diverged.
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        mujoco.mj_tendon(model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, _camera(model), everything, self._scene)
        if isinstance(self.family, GoalPosition):
            _mark(self._scene, tasks[:, column])
        self._gl.make_current()
        area, pixels = mujoco.MjrRect(0, 0, self.width, self.height), np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_render(area, self._scene, self._context)
        mujoco.mjr_readPixels(pixels, None, area, self._context)
        return np.ascontiguousarray(pixels[::-1])  # OpenGL has its first row at the bottom

    def close(self) -> None:
        if self._context is not None:
            with self._gl.as_current():
                self._context.free()
            self._gl.free()
        self._gl = self._context = self._scene = None

    def __del__(self) -> None:
        self.close()

    def _open(self, model: mujoco.MjModel) -> tuple[mujoco.MjrContext, mujoco.MjvScene]:
        """``model`` is a copy, and may be changed."""
        model.vis.global_.offwidth, model.vis.global_.offheight = self.width, self.height
        model.vis.quality.shadowsize = SHADOW_PIXELS
        self._gl = make_context(self.width, self.height)
        scene = mujoco.MjvScene(model, MOST_GEOMS)
        scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0  # hides the body's outline, and costs a third
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, context)
        return context, scene


def _mark(scene: mujoco.MjvScene, place: np.ndarray) -> None:
    """A ball on the floor at a task's place (2,)."""
    if scene.ngeom == scene.maxgeom:
        return
    ball = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(
        ball,
        mujoco.mjtGeom.mjGEOM_SPHERE.value,
        np.full(3, GOAL_RADIUS),
        np.array([*place, GOAL_RADIUS]),
        np.eye(3).ravel(),
        np.array(GOAL_COLOUR, dtype=np.float32),
    )
    scene.ngeom += 1


def _camera(model: mujoco.MjModel) -> mujoco.MjvCamera:
    """The model's first camera that follows a body, or else one that follows its first body."""
    camera = mujoco.MjvCamera()
    following = np.flatnonzero(np.isin(model.cam_mode, FOLLOWING))
    if len(following):
        camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED.value, int(following[0])
        return camera
    mujoco.mjv_defaultFreeCamera(model, camera)
    camera.type, camera.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING.value, min(1, model.nbody - 1)
    camera.distance, camera.elevation, camera.azimuth = DISTANCE * model.stat.extent, ELEVATION, AZIMUTH
    return camera
