"""An algorithm's iteration without any rollouts: its stages of evaluations are answered with given values."""

import itertools

import numpy as np

from esmaml_mpi.meta.combining import Combining
from esmaml_mpi.meta.stages import Request, Stage
from esmaml_mpi.observations.observer import Observer


def driven(subject, theta, at, kept, values, parts=1):
    """The step of an iteration whose evaluations have these values (E,); directions are summed in so many parts, and
    units of other stages are worked on in so many.
    """
    iteration = subject.iteration(theta, at, None, None, kept)
    asked = next(iteration)
    while True:
        if isinstance(asked, Stage) and asked.number == 0:
            assert asked.units == len(values)
            answer = values[:, None]
        elif isinstance(asked, Stage):
            request = Request(at.iteration, at.attempt, asked, False, theta, Observer(np.zeros(1), np.ones(1)))
            edges = [asked.units * i // parts for i in range(parts + 1)]
            rows = [subject.work(request, range(a, b), None)[0] for a, b in itertools.pairwise(edges)]
            answer = np.concatenate(rows)
        else:
            combining = Combining(asked, *subject.directions_of(asked.number, at), theta.size, at, None)
            answer = combining.value(sum(combining.part(asked.addends[i::parts]) for i in range(parts)))
        try:
            asked = iteration.send(answer)
        except StopIteration as done:
            return done.value
