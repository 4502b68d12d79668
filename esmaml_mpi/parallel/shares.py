"""Which units of a request this rank evaluates, in which blocks."""

from collections.abc import Iterator

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.parallel.plan import cut, deal, works
from esmaml_mpi.parallel.world import World

MOST_HELD = 2**22  # numbers of the parameters of units that are evaluated in one call, 32 MB


class Shares:
    """The plan of a run (``run.plan``), the same object on every rank."""

    def __init__(self, world: World, experiment: Experiment) -> None:
        self._world, self._experiment = world, experiment
        self._static = experiment.config.run.plan == "static"
        self._tickets = 0  # given out in earlier rounds of a dynamic plan

    def start_again(self) -> None:
        """After ranks were lost, when tickets are counted from 0 again."""
        self._tickets = 0

    def parts(self, request: Request) -> Iterator[tuple[bool, range]]:
        """This rank's units, (whether they are test units, their indices), in parts small enough that its memory does
        not grow with its share.
        """
        most = max(MOST_HELD // self._experiment.meta_size, 1)
        for is_test, block in self._blocks(request):
            yield from ((is_test, block[start : start + most]) for start in range(0, len(block), most))

    def _blocks(self, request: Request) -> Iterator[tuple[bool, range]]:
        train, test = self._units(request)
        size, rank = self._world.size, self._world.rank
        if self._static:
            yield from ((False, block) for block in deal(train, size)[rank : rank + 1] if block)
            yield from ((True, block) for block in deal(test, size, reverse=True)[rank : rank + 1] if block)
            return
        self._world.open_tickets()
        blocks = [(False, block) for block in cut(train, size)] + [(True, block) for block in cut(test, size)]
        if works(train + test, size, rank):
            while (number := self._world.ticket() - self._tickets) < len(blocks):
                yield blocks[number]
        # Everyone who works has drawn one ticket too many.
        self._tickets += len(blocks) + sum(works(train + test, size, r) for r in range(size))

    def in_words(self, request: Request, rank: int) -> str:
        """A rank's share, for a word about one that does not answer."""
        (train, test), size = self._units(request), self._world.size
        if not self._static:
            return f"iteration {request.iteration}, its share of {train + test} evaluations"
        shares = (("evaluations", deal(train, size)), ("test evaluations", deal(test, size, reverse=True)))
        parts = [f"{name} {block[0]} to {block[-1]}" for name, deals in shares if (block := deals[rank])]
        return f"iteration {request.iteration}, {' and '.join(parts) or 'no evaluations'}"

    def _units(self, request: Request) -> tuple[int, int]:
        """How many training and test units a request has."""
        train = request.stage.units if request.stage else 0
        return train, self._experiment.held_out.evaluations if request.test else 0
