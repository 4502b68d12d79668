"""What rank 0 tells the others at the start of a round: a command, and the request it belongs to."""

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.meta.stages import Request, Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.parallel.world import World

RUN, STOP, COMBINE, TELL = 1, 2, 3, 4
# command, iteration, attempt, test, seed, dimensions of the subspace; of the stage: number, units, width, payload;
# whether the next message is short
HEADER = 11


class Packet:
    """A message of one length in a run, the same object on every rank; a stage's payload follows it.

    A short one is its header alone. It comes where a sum of directions is expected, whose theta all ranks have had with
    the evaluations, and the rest follows where something else is to be run.
    """

    def __init__(self, world: World, experiment: Experiment) -> None:
        self._world, self._experiment = world, experiment
        size, n = experiment.meta_size, experiment.policy.observation_size
        rows = experiment.config.meta.memory_rows if experiment.uses_subspace else 0
        # theta, mean, std; then a subspace's probability, weights and basis, with room for the largest
        self._bytes = np.zeros(8 * (HEADER + size + 2 * n + bool(rows) + rows * (1 + size)), dtype=np.uint8)
        self._header = self._bytes[: 8 * HEADER].view(np.int64)
        self._numbers = self._bytes[8 * HEADER :].view(np.float64)
        self._short = False  # whether the next message is

    def start_again(self) -> None:
        """After ranks were lost, when nobody knows what the others have had."""
        self._short = False

    def send(self, command: int, request: Request, sum_follows: bool = False) -> None:
        """Rank 0: tell all ranks what to do, and whether a sum of the request's directions is expected to be next."""
        stage = request.stage or Stage()
        self._header[:] = (
            command,
            request.iteration,
            request.attempt,
            request.test,
            self._experiment.config.run.seed,
            0 if request.subspace is None else request.subspace.weights.size,
            stage.number,
            stage.units,
            stage.width,
            stage.payload.size,
            sum_follows,
        )
        parts: list[np.ndarray | list[float]] = [request.theta, request.observer.mean, request.observer.std]
        if request.subspace is not None:
            known = request.subspace
            parts += [[known.probability], known.weights, known.basis.ravel()]
        numbers = np.concatenate(parts)
        self._numbers[: numbers.size] = numbers
        self._broadcast()
        if stage.payload.size:
            self._world.broadcast(np.ascontiguousarray(stage.payload))

    def send_command(self, command: int, code: int = 0) -> None:
        """Rank 0: tell all ranks to do what needs no request, with an exit code if they are to stop."""
        self._header[:2] = command, code
        self._broadcast()

    def receive(self) -> tuple[int, int]:
        """The others: wait for rank 0's next command, and its exit code if that is STOP."""
        self._broadcast()
        return int(self._header[0]), int(self._header[1])

    def _broadcast(self) -> None:
        """The message on its way, at rank 0 and at the others. After a short one, the numbers of the last stand."""
        short = self._short
        self._world.broadcast(self._bytes[: 8 * HEADER] if short else self._bytes)
        if short and self._header[0] == RUN:
            self._world.broadcast(self._bytes[8 * HEADER :])
        self._short = bool(self._header[0] == RUN and self._header[-1])

    def request(self) -> Request:
        """The request that has just arrived, and its stage's payload, which follows if there is one."""
        size, n = self._experiment.meta_size, self._experiment.policy.observation_size
        _, iteration, attempt, test, seed, r, number, units, width, length, _ = self._header.tolist()
        assert seed == self._experiment.config.run.seed, "ranks disagree on the run"
        theta, mean, std, rest = np.split(self._numbers.copy(), [size, size + n, size + 2 * n])
        subspace = None
        if self._experiment.uses_subspace:
            subspace = Subspace(rest[1 + r : 1 + r + size * r].reshape(size, r), rest[1 : 1 + r], float(rest[0]))
        payload = np.empty(length)
        if length:
            self._world.broadcast(payload)
        stage = Stage(number, units, width, payload) if units else None
        return Request(iteration, attempt, stage, bool(test), theta, Observer(mean, std), subspace)
