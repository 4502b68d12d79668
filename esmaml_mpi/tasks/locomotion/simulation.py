"""A batch of MuJoCo simulations of one model, each stopped when its episode ends or when it diverges."""

from collections.abc import Callable
from functools import lru_cache

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.locomotion import stopwatch
from esmaml_mpi.tasks.workspace import Workspace

NUMBER_OF_WARNINGS = 1  # the column of Batch.warning that counts; the other is about the last one


@lru_cache(maxsize=8)
def _state_columns(model: mujoco.MjModel) -> tuple[slice, ...]:
    """Where qpos, qvel and ctrl are in a row of ``Batch.state``.

    ``Batch.bind`` makes an MjData to find that out, which takes longer than to make the batch.
    """
    batch = Batch(model, 1, nthread=1)
    found = []
    for name in ("qpos", "qvel", "ctrl"):
        field = batch.bind(name)
        start = (field.ctypes.data - batch.state.ctypes.data) // batch.state.itemsize
        found.append(slice(start, start + field.shape[1]))
    return tuple(found)


class BodySimulation(EndingEpisodes):
    """B simulations: ``qpos`` (B, nq), ``qvel`` (B, nv) and ``ctrl`` (B, nu) are live.

    ``failed`` (B,): MuJoCo warned (unstable, not finite, out of contacts) or raised an error.
    """

    def __init__(self, model: mujoco.MjModel, batch: int, horizon: int, workspace: Workspace, persistent: bool = False):
        super().__init__(batch, horizon, workspace)
        stopwatch.switch_off()
        # One thread: threads of a rank take batches of their own, which leaves them less to wait for.
        self.model, self.physics = model, Batch(model, batch, nthread=1, persistent=persistent)
        self.qpos, self.qvel, self.ctrl = (self.physics.state[:, columns] for columns in _state_columns(model))
        self.failed = np.zeros(batch, dtype=bool)
        self._warnings = self.physics.warning[:, :, NUMBER_OF_WARNINGS]
        self.chosen: np.ndarray | None = None  # rows of those that go on; None: all

    def start(self, qpos: np.ndarray | None = None, qvel: np.ndarray | None = None) -> None:
        """Reset to the model's initial state, or with offsets (nq, B) and (nv, B) added to it."""
        if qpos is None or qvel is None:
            self.physics.reset()
            return
        self.physics.reset(stage=int(mujoco.mjtStage.mjSTAGE_NONE))
        self.qpos += qpos.T
        self.qvel += qvel.T
        self._guarded(self.physics.forward)

    def advance(self, substeps: int) -> np.ndarray:
        """Step those that go on; which of the present ones (b,) have failed so far."""
        everyone = len(self.columns) == self.batch == np.count_nonzero(self.running)
        self.chosen = None if everyone else self.columns[self.running]
        self._guarded(self.physics.step, ids=self.chosen, nstep=substeps)
        return self.failed if len(self.columns) == self.batch else self.failed[self.columns]

    def present(self, field: np.ndarray) -> np.ndarray:
        """Rows (b, ...) of a live field (B, ...)."""
        return field if len(self.columns) == self.batch else field[self.columns]

    def _guarded(self, call: Callable[..., object], **arguments: object) -> None:
        try:
            call(**arguments)
        except SimulationError as error:  # the others ran to completion
            self.failed[error.ids] = True
        if np.count_nonzero(self.physics.warning):  # all of it lies together and is looked at faster
            self.failed |= self._warnings.any(axis=1)
