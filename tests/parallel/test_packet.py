"""What rank 0 sends at the start of a round, and what the others take it for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.stages import Request, Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.parallel.packet import COMBINE, HEADER, RUN, STOP, TELL, Packet

FOUR_CORNERS = Path(__file__).parents[2] / "configs" / "four_corners.toml"


class Wire:
    """Rank 0's and another rank's end of a broadcast: what one sends the other gets."""

    def __init__(self) -> None:
        self.sent, self.sizes = [], []

    def from_rank_0(self, buffer):
        self.sent.append(buffer.copy())
        self.sizes.append(buffer.nbytes)

    def to_another(self, buffer):
        arrived = self.sent.pop(0)
        assert arrived.shape == buffer.shape, "ranks disagree on the length of a message"
        buffer[:] = arrived


class End:
    def __init__(self, broadcast) -> None:
        self.broadcast = broadcast


@pytest.fixture
def pair():
    """Packets of rank 0 and of another rank, what they send, and a request."""
    experiment = Experiment(load(FOUR_CORNERS, ["policy.hidden=[3]", "meta.perturbations=4"]).resolved())
    wire, rng = Wire(), np.random.default_rng(0)
    n = experiment.policy.observation_size
    request = Request(
        3, 1, Stage(0, 4, 1), False, rng.normal(size=experiment.meta_size), Observer(rng.normal(size=n), np.ones(n))
    )
    return Packet(End(wire.from_rank_0), experiment), Packet(End(wire.to_another), experiment), wire, request


def same(one, other):
    return (
        (one.iteration, one.attempt, one.test) == (other.iteration, other.attempt, other.test)
        and np.array_equal(one.theta, other.theta)
        and np.array_equal(one.observer.mean, other.observer.mean)
        and one.asked.units == other.asked.units
        and np.array_equal(one.asked.payload, other.asked.payload)
    )


def exchanged(pair, command, request, sum_follows=False):
    """Bytes of the messages that bring a request to the other rank, which takes it for what it is."""
    first, other, wire, _ = pair
    wire.sizes.clear()
    first.send(command, request, sum_follows)
    assert other.receive() == (command, request.iteration)
    assert same(other.request(), request)
    assert not wire.sent
    return list(wire.sizes)


def test_a_sum_that_was_expected_carries_no_theta(pair):
    _, _, _, request = pair
    weights = replace(request, stage=Stage(0, 1, 2, np.array([1.5, -2.5])))
    whole = exchanged(pair, RUN, request, sum_follows=True)
    assert exchanged(pair, COMBINE, weights) == [8 * HEADER, 16]
    later = replace(request, iteration=4, theta=request.theta + 1)
    assert exchanged(pair, RUN, later, sum_follows=True) == whole
    assert whole[0] > 8 * HEADER


def test_another_round_than_the_expected_sum_brings_the_rest(pair):
    _, _, _, request = pair
    (whole,) = exchanged(pair, RUN, request, sum_follows=True)
    again = replace(request, attempt=2, theta=request.theta * 2)
    assert exchanged(pair, RUN, again) == [8 * HEADER, whole - 8 * HEADER]
    assert exchanged(pair, RUN, request) == [whole]


@pytest.mark.parametrize("command", [TELL, STOP])
def test_a_command_instead_of_the_expected_sum(pair, command):
    first, other, wire, request = pair
    (whole,) = exchanged(pair, RUN, request, sum_follows=True)
    first.send_command(command, 7)
    assert other.receive() == (command, 7)
    assert wire.sizes[-1] == 8 * HEADER
    assert exchanged(pair, RUN, request) == [whole]


def test_after_a_loss_a_sum_carries_theta(pair):
    first, other, _, request = pair
    (whole,) = exchanged(pair, RUN, request, sum_follows=True)
    first.start_again()
    other.start_again()
    weights = replace(request, theta=request.theta - 1, stage=Stage(0, 1, 2, np.array([1.5, -2.5])))
    assert exchanged(pair, COMBINE, weights) == [whole, 16]
