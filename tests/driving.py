"""Driving operators by hand: recorded directions, answered queries, parts of a batch."""

import dataclasses

import numpy as np

from esmaml_mpi.adaptation.chain import COMMON, Chain


class Normals:
    """Standard normals (d, U, T, count) of a seed, kept in ``drawn`` as they are handed out."""

    def __init__(self, shape, seed=0):
        self.shape, self.generator, self.drawn = shape, np.random.default_rng(seed), []

    def __call__(self, count):
        self.drawn.append(self.generator.standard_normal((*self.shape, count)))
        return self.drawn[-1].copy()


class Again:
    """The directions that one unit and task of a ``Normals`` has got."""

    def __init__(self, normals, u, t):
        self.left = [drawn[:, u : u + 1, t : t + 1].copy() for drawn in normals.drawn]

    def __call__(self, count):
        drawn = self.left.pop(0)
        assert drawn.shape[-1] == count
        return drawn


def run(generator, rewards):
    """Answer an adaptation's queries with ``rewards(points)``: what it returns, batches asked, rewards given."""
    batches, answers = [], []
    try:
        batches.append(next(generator))
        while True:
            answers.append(rewards(batches[-1]))
            batches.append(generator.send(answers[-1].copy()))
    except StopIteration as end:
        return end.value, batches, answers


def hills(centres):
    """A reward with a peak of its own for each unit and task; centres (d, U, T), points (d, U, T, Q)."""

    def reward(points):
        x = points - centres[..., None]
        return -300.0 - np.add.reduce(x**2, axis=0) + np.sin(3 * points[0])

    return reward


def noisy(reward, spread, seed=0):
    """The same reward with noise of this standard deviation."""
    generator = np.random.default_rng([seed, 1])  # not the numbers that the directions are made of
    return lambda points: reward(points) + spread * generator.standard_normal(points.shape[1:])


def chain(operators):
    """The chain of these operators, as a configuration describes it."""
    links = [dataclasses.asdict(operator) for operator in operators]
    return Chain(links=[{key: value for key, value in link.items() if key not in COMMON} for link in links])
