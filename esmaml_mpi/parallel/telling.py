"""What ranks have to say beside numbers, gathered at rank 0: why evaluations failed, what a task family remarks."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.parallel.world import World
from esmaml_mpi.rollouts.causes import Cause, from_text, to_text

WORD = 8  # bytes of the numbers that texts travel as


@dataclass(frozen=True)
class Told:
    """Of one rank: causes of failures with their counts, and remarks as pairs of what each is about and its text."""

    rank: int
    causes: list[Cause]
    remarks: list[list[str]]


class Telling:
    """The same on every rank. What has not arrived, as a rank died meanwhile, is told again the next time."""

    def __init__(self, world: World, experiment: Experiment) -> None:
        self._world, self._experiment = world, experiment
        self._text: bytes | None = None  # under way

    def tell(self) -> list[Told] | None:
        """Every rank calls this; what there is to say at rank 0, None elsewhere. RankLost if one dies."""
        world, experiment = self._world, self._experiment
        if self._text is None:
            remarks = getattr(experiment.family, "remarks", ())
            self._text = to_text(experiment.evaluator.causes.take(), remarks)
        counts = np.zeros(world.size, dtype=np.int64)
        counts[world.rank] = -(-len(self._text) // WORD)
        world.sum(counts)
        padded = self._text.ljust(WORD * int(counts[world.rank]))
        gathered = world.gather(np.frombuffer(padded, dtype=np.float64).reshape(-1, 1).copy(), counts.tolist())
        self._text = None
        if gathered is None:
            return None
        texts = np.split(gathered, np.cumsum(counts)[:-1])
        return [Told(rank, *from_text(text.tobytes())) for rank, text in enumerate(texts) if len(text)]
