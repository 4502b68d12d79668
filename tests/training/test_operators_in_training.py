"""Every operator, sampler and decoder in a whole run: the same bits however it is cut, and a plain loop's gradient."""

import itertools
import math

import numpy as np
import pytest
import reference
from helpers import assert_same_run, same, unscaled

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator

SMALL = {
    "run": {"seed": 3},
    "task": {"horizon": 10, "options": {"reward": "squared_distance", "start_range": 0.5}},
    "policy": {"hidden": []},
    "adaptation": {"sigma": 0.3},
    "meta": {"perturbations": 8, "current_evaluations": 3, "iterations": 2, "sigma": 0.3},
    "test": {"every": 1, "repeats": 2},
}
D = 6  # parameters of its policy
# what operators learn beside them: shifts of the two biases, and lengths
OWN = {
    "latent climbing": 6,
    "latents at once": 4,
    "programme": 8,
    "programme again": 4,
    "latents again": 4,
    "latents by CMA-ES": 4,
    "programme, then searches": 6 + 8,
    "learned gradient": 2 + D,
    "learned climbing": 1 + D,
}


def adaptation(operator, **settings):
    """Overrides that choose an operator."""
    return [f"adaptation.{key}={value}" for key, value in {"operator": operator, **settings}.items()]


def meta(**settings):
    """Overrides of the outer loop."""
    return [f"meta.{key}={value}" for key, value in settings.items()]


GRADIENT = {"queries": 8, "steps": 2}
OPERATORS = {
    "gradient": adaptation("es_gradient", **GRADIENT),
    "sequential climbing": adaptation("hill_climbing", queries=4),
    "average climbing": adaptation("hill_climbing", queries=3, scheme="average", evaluations=2),
    "batch climbing": adaptation("hill_climbing", queries=2, scheme="batch", evaluations=4),
    "pivot anew": adaptation("hill_climbing", queries=2, scheme="batch", evaluations=3, reevaluate_pivot="true"),
    "learned gradient": adaptation("es_gradient", **GRADIENT, learned="['sigma', 'step_size', 'scales']"),
    "learned climbing": adaptation("hill_climbing", queries=3, learned="['sigma', 'scales']"),
    "racing": adaptation("racing", rounds=2, candidates=2, reevaluations=3),
    "population": adaptation("population_search", population=4, generations=3),
    "chain": adaptation(
        "chain",
        links="[{operator='es_gradient', queries=4}, {operator='hill_climbing', scheme='batch', evaluations=3}]",
    ),
    "latent climbing": adaptation("latent_search", latent=3, queries=3),
    "latents at once": adaptation("latent_search", latent=2, queries=4, scheme="gaussian"),
    "no adaptation": adaptation("none"),
    "latents by CMA-ES": adaptation("latent_search", latent=2, queries=9, scheme="cma_es"),
    "programme": adaptation("trial_programme", queries=4),
    "programme again": adaptation("trial_programme", queries=2, reevaluations=3),
    "latents again": adaptation("latent_search", latent=2, queries=3, scheme="gaussian", reevaluations=2),
    "programme, then searches": adaptation(
        "chain",
        links="[{operator='trial_programme', queries=3}, {operator='latent_search', scheme='one_plus_one'}, "
        "{operator='hill_climbing', queries=2}]",
    ),
}
SAMPLERS = {
    "orthogonal": "{}",
    "hadamard": "{}",
    "quasi_monte_carlo": "{}",
    "dpp": "{rho=3}",
    "dpp of angles": "{rho=3, kernel='cosine'}",
}
DECODERS = {
    "ridge": "{regularization=0.5}",
    "lasso": "{regularization=0.2}",
    "lp": "{intercept=true}",
    "ridge with intercept": "{intercept=true}",
}


def both_loops(key, name, options):
    """The same sampler or decoder in both loops."""
    short = {"directions": "direction_options", "decoder": "decoder_options"}[key]
    return [f"{loop}.{k}={v}" for loop in ("adaptation", "meta") for k, v in ((key, name.split()[0]), (short, options))]


CASES = {
    **OPERATORS,
    **{name: [*OPERATORS["gradient"], *both_loops("directions", name, options)] for name, options in SAMPLERS.items()},
    **{name: [*OPERATORS["gradient"], *both_loops("decoder", name, options)] for name, options in DECODERS.items()},
    "batches of orthogonal candidates": [*OPERATORS["batch climbing"], "adaptation.directions=orthogonal"],
    "a population by determinants": [
        *OPERATORS["population"],
        "adaptation.directions=dpp",
        "adaptation.direction_options={rho=4}",
    ],
    "reuse": [*OPERATORS["gradient"], "adaptation.decoder=ridge", "adaptation.reuse_radius=1.5"],
    "twins": [
        *OPERATORS["gradient"],
        *meta(estimator="antithetic", directions="orthogonal", decoder="ridge"),
        "adaptation.estimator=antithetic",
        "adaptation.decoder=ridge",
        "adaptation.directions=hadamard",
    ],
    "corrupted": [*OPERATORS["gradient"], "task.corruption={fraction=0.3, noise_std=2.0}"],
    "shared rollouts": [
        *OPERATORS["batch climbing"],
        "adaptation.share_rollouts=true",
        "adaptation.directions=orthogonal",
    ],
}


def train(case, *overrides, **more):
    return esmaml_mpi.train(SMALL, [*CASES[case], *overrides], **more)


@pytest.fixture(scope="module")
def whole():
    """Each case in one go on one thread, trained when first asked for."""
    runs = {}
    return lambda case: runs.setdefault(case, train(case))


@pytest.mark.parametrize("case", CASES)
def test_two_iterations_end_with_numbers_and_another_policy(whole, case):
    history = whole(case).history
    path = history["parameters"]["value"]
    assert np.isfinite(history["train"]["values"]).all() and np.isfinite(history["test"]["after"]).all()
    assert not np.any(history["train"]["failed_units"]) and path.shape == (3, D + OWN.get(case, 0))
    assert np.isfinite(path).all() and np.any(path[1:] != path[:-1], axis=1).all()
    assert not same(history["test"]["before"], history["test"]["after"])


@pytest.mark.parametrize("case", CASES)
def test_a_run_records_as_many_rollouts_as_its_operator_takes(whole, case):
    operator, rows = load(SMALL, CASES[case]).adaptation, whole(case).history["train"]
    simulated = 4 * (operator.rollouts + 1)
    if operator.share_rollouts:
        simulated -= 3 * operator.evaluations  # the pivot at first, which is the same policy for all four tasks
    assert rows["rollouts"].tolist() == [11 * simulated] * 2


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(whole, case, threads):
    assert_same_run(train(case, f"run.threads={threads}"), whole(case))


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_was_interrupted_changes_no_bit(whole, case, tmp_path):
    train(case, "meta.iterations=1", output=tmp_path / "run.h5")
    assert_same_run(train(case, output=tmp_path / "run.h5", resume=True), whole(case))


def everything(outcome):
    """All numbers of an outcome, a row per unit."""
    tally = outcome.tally
    columns = [outcome.before, outcome.after, tally.status[:, None], tally.observation_sums.T]
    return np.concatenate([*columns, tally.rollouts[:, None], tally.steps[:, None]], axis=1)


@pytest.mark.parametrize("case", CASES)
def test_the_grouping_of_units_changes_no_bit(case):
    experiment = Experiment(load(SMALL, CASES[case]).resolved())
    algorithm, setup = experiment.algorithm, experiment.evaluator.setup
    at, theta = Round(Phase.TRAIN, 1), np.random.default_rng(9).normal(size=D + OWN.get(case, 0))

    def part(indices, threads=1):
        # a new experiment: as on another rank, nothing is remembered of other parts
        mine = Experiment(experiment.config).algorithm
        points, units = mine.points(theta, at, indices), mine.units(at, indices)
        evaluator = Evaluator(setup, experiment.evaluator.operator, threads)
        return everything(evaluator.evaluate(points, units, unscaled(2), before=True))

    together = part(range(algorithm.evaluations))
    for threads, edges in ((2, [0, 11]), (3, [0, 11]), (1, range(12)), (1, [0, 1, 5, 11]), (2, [0, 4, 6, 11])):
        assert same(np.concatenate([part(range(a, b), threads) for a, b in itertools.pairwise(edges)]), together)


# The outer loop against a plain one.


def drawn(config, iteration):
    """The outer directions (d, m), by the sampler itself; Gaussian ones have a stream each."""
    count = config.meta.perturbations // (2 if config.meta.estimator == "antithetic" else 1)
    streams, at = Experiment(config).streams, Round(Phase.TRAIN, iteration)
    if config.meta.directions == "gaussian":
        each = [streams.generator(Purpose.PERTURBATION, at, unit=i).standard_normal(D) for i in range(count)]
        return np.array(each).T
    sampler = make_sampler(config.meta.directions, config.meta.direction_options, "meta")
    return sampler.draw(streams.generator(Purpose.PERTURBATION, at), D, count)


def plain_average(directions, differences, sigma):
    total = np.zeros(D)
    for direction, difference in zip(directions.T, differences, strict=True):
        total = total + difference * direction / (len(differences) * sigma)
    return total


def plain_ridge(directions, differences, sigma, regularization=0.5):
    """min |A x - b|^2 + lambda |x|^2 as least squares with further rows, of which each wants one x_i to be 0."""
    rows = np.vstack([directions.T, np.sqrt(regularization) * np.eye(D)])
    return np.linalg.lstsq(rows, np.concatenate([differences / sigma, np.zeros(D)]), rcond=None)[0]


OUTER = [("gaussian", "{}"), *SAMPLERS.items()]


@pytest.mark.parametrize("estimator", ["forward_fd", "antithetic"])
@pytest.mark.parametrize("decoder, plain", [("average", plain_average), ("ridge", plain_ridge)])
@pytest.mark.parametrize("name, options", OUTER, ids=[name for name, _ in OUTER])
def test_meta_steps_are_those_of_a_plain_loop_over_the_samplers_matrix(name, options, estimator, decoder, plain):
    choice = meta(estimator=estimator, directions=name.split()[0], direction_options=options, decoder=decoder)
    if decoder == "ridge":
        choice += meta(decoder_options="{regularization=0.5}")
    config = load(SMALL, [*OPERATORS["gradient"], *choice]).resolved()
    history = esmaml_mpi.train(config).history
    path, experiment = history["parameters"]["value"], Experiment(config)
    for t, values in enumerate(history["train"]["values"]):
        queries, pivot = reference.normalized(list(values[:8]), values[8:].mean(), "standardize")
        differences = np.array(reference.differences(queries, pivot, estimator))
        gradient = plain(drawn(config, t), differences, 0.3)
        assert np.linalg.norm(gradient) > 0.1
        np.testing.assert_allclose(path[t + 1] - path[t], config.meta.step_size * gradient, rtol=1e-7, atol=1e-12)
    # and the values of the first iteration are those of theta moved along these directions
    at, directions = Round(Phase.TRAIN, 0), drawn(config, 0)
    if estimator == "antithetic":
        directions = np.stack([directions, -directions], axis=-1).reshape(D, 8)
    points = path[0][:, None] + 0.3 * np.concatenate([directions, np.zeros((D, 3))], axis=1)
    units = experiment.algorithm.units(at, range(11))
    found = experiment.evaluator.evaluate(points, units, unscaled(2)).after.mean(axis=1)
    np.testing.assert_allclose(found, history["train"]["values"][0], rtol=1e-12)


@pytest.mark.parametrize("name, options", SAMPLERS.items(), ids=SAMPLERS)
def test_an_adaptations_directions_are_one_draw_for_each_unit_task_and_step(name, options):
    config = load(
        SMALL, [*OPERATORS["gradient"], *both_loops("directions", name, options), "task.options.start_range=0"]
    ).resolved()
    experiment, at = Experiment(config), Round(Phase.TRAIN, 4)
    units = experiment.algorithm.units(at, range(7, 10))
    theta = np.random.default_rng(2).normal(size=(D, 3))
    adapted, _ = experiment.evaluator.adapt(theta, units, unscaled(2))
    sampler = make_sampler(config.adaptation.directions, config.adaptation.direction_options)
    for u, t in itertools.product(range(3), range(4)):
        x = theta[:, u]
        for step in range(2):
            keyed = experiment.streams.generator(
                Purpose.ADAPTATION, at, unit=units.streams[u], task=units.tasks[u, t], step=step
            )
            directions = sampler.draw(keyed, D, 8)
            returns = rollout(experiment, np.column_stack([x[:, None] + 0.3 * directions, x]), t)
            queries, pivot = reference.normalized(list(returns[:8]), returns[8], "standardize")
            x = x + 0.05 * plain_average(directions, reference.differences(queries, pivot, "forward_fd"), 0.3)
        np.testing.assert_allclose(adapted[:, u, t], x, rtol=1e-9)


def rollout(experiment, parameters, task):
    """Returns of policies (d, Q) on one task, without noise."""
    setup = experiment.evaluator.setup
    returns = []
    for theta in parameters.T.tolist():
        act = lambda p, theta=theta: reference.act(theta, [2, 2], p, [0.0, 0.0], [1.0, 1.0])  # noqa: E731
        path = reference.walk(act, (0.0, 0.0), 10, 0.1, 5.0)
        returns.append(reference.total(path, reference.dense_squared(tuple(setup.task_table[:, task]))))
    return np.array(returns)


# Gaussian directions and their average are as they have always been, to the last bit.


def test_gaussian_and_average_are_the_bits_of_a_loop_over_keyed_normals():
    config = load(SMALL, [*adaptation("es_gradient", queries=20, steps=2), "run.seed=8"]).resolved()
    experiment, at = Experiment(config), Round(Phase.TEST, 4)
    subject, setup = config.adaptation, experiment.evaluator.setup
    units = experiment.held_out.units(at, range(8))  # a task each
    theta = np.random.default_rng(2).normal(size=D)
    adapted, _ = experiment.evaluator.adapt(experiment.held_out.points(theta, range(8)), units, unscaled(2))
    assert config.adaptation.directions == "gaussian" and config.adaptation.decoder == "average"
    for u in range(8):
        # what the same queries return, by an operator that tries them and does nothing else
        x, normals = theta, np.empty((D, 20))
        for step in range(2):
            key = dict(unit=units.streams[u], task=units.tasks[u, 0], step=step)
            setup.streams.fill_normals(normals, Purpose.ADAPTATION, at, **key)
            queries = np.column_stack([x[:, None] + 0.3 * normals, x])
            seen = Scripted(step, queries)
            Evaluator(setup, seen).adapt(theta[:, None], units[u : u + 1], unscaled(2))
            values = seen.rewards
            mean = np.add.reduce(values) / 21
            std = np.sqrt(np.add.reduce((values - mean) * (values - mean)) / 21)
            normalized = (values - mean) / std
            weights = (normalized[:20] - normalized[20]) / (20 * subject.sigma)
            x = x + subject.step_size * np.add.reduce(normals * weights, axis=-1)
        assert np.array_equal(adapted[:, u, 0], x)


class Scripted:
    """An operator that tries given queries (d, Q) at one step, something else before, and keeps their rewards (Q,)."""

    def __init__(self, step, queries):
        self.step, self.queries, self.queries_at_once = step, queries, queries.shape[1]

    def adapt(self, theta, normals):
        for _ in range(self.step):
            yield np.zeros((*theta.shape, self.queries_at_once))
        self.rewards = (yield self.queries[:, None, None].copy())[0, 0]
        return theta


@pytest.mark.parametrize("estimator", ["forward_fd", "antithetic"])
def test_gaussian_and_average_are_the_bits_of_an_exact_sum_over_keyed_directions(estimator):
    config = load(SMALL, [*OPERATORS["gradient"], *meta(estimator=estimator, perturbations=40)]).resolved()
    history = esmaml_mpi.train(config).history
    path = history["parameters"]["value"]
    for t, values in enumerate(history["train"]["values"]):
        pivot = np.add.reduce(values[40:]) / 3
        together = np.append(values[:40], pivot)
        mean = np.add.reduce(together) / 41
        std = np.sqrt(np.add.reduce((together - mean) * (together - mean)) / 41)
        queries, pivot = (values[:40] - mean) / std, (pivot - mean) / std
        differences = (queries[::2] - queries[1::2]) / 2 if estimator == "antithetic" else queries - pivot
        weights, total = differences / (differences.size * 0.3), np.zeros(D, dtype=np.int64)
        unit = 2.0 ** (62 - math.frexp(np.add.reduce(np.abs(weights)))[1] - 4)  # numbers below 2**4, times weights
        for direction, weight in zip(drawn(config, t).T, weights, strict=True):
            total = total + np.rint(direction * (weight * unit)).astype(np.int64)
        gradient = total / unit
        np.testing.assert_allclose(gradient, drawn(config, t) @ weights, rtol=1e-12, atol=1e-14)
        assert np.array_equal(path[t + 1], path[t] + config.meta.step_size * gradient)
