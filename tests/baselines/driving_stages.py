"""An algorithm's stages, answered by experiments in this process."""

import numpy as np

from esmaml_mpi.config.experiment import Request
from esmaml_mpi.observations.observer import Observer


def unscaled(experiment):
    """The observer that changes nothing."""
    n = experiment.policy.observation_size
    return Observer(np.zeros(n), np.ones(n))


def request_of(experiment, theta, stage, iteration=0):
    """What rank 0 would send."""
    return Request(iteration, 0, stage, False, theta, unscaled(experiment))


def answered(experiment, theta, session, iteration=0, look=lambda request, rows, tally: None):
    """What a generator of stages comes to; ``look`` is shown each request and its answer."""
    rows = None
    while True:
        try:
            stage = session.send(rows)
        except StopIteration as done:
            return done.value
        request = request_of(experiment, theta, stage, iteration)
        rows, tally = experiment.train_units(request, range(stage.units))
        look(request, rows, tally)
