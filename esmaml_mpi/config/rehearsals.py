"""Whether the operator, samplers, decoders, optimizer and policy that the user has written are what they should be.

Each is tried on a few made-up numbers before a run starts; what is wrong is said in one line, with the place in the
user's file. This program's own parts are not tried.
"""

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from esmaml_mpi.adaptation import OPERATORS, Operator
from esmaml_mpi.adaptation.meta_parameters import adapting
from esmaml_mpi.config.code import INNER, OUTER
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.decoders import DECODERS, make_decoder
from esmaml_mpi.directions import DIRECTIONS, make_sampler
from esmaml_mpi.errors import ConfigError, UserError, in_words, place
from esmaml_mpi.meta.optimizers import OPTIMIZERS, make_optimizer
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings.contract import check_storable, source
from esmaml_mpi.settings.sections import Sections

UNITS = 2  # of a rehearsal
BATCH = 4
STEPS = 3
MOST_NUMBERS = 10**7  # a decoder that wants more at once is not tried


def rehearse_parts(config: Sections, policy: AnyPolicy, action_size: int) -> list[str]:
    """Try all that is the user's. ConfigError says what is wrong; what is only doubtful is returned, a line each."""
    doubts: list[str] = []
    name = config.policy.architecture
    if not POLICIES.is_ours(name):
        doubts += _policy(POLICIES.told(name, POLICIES.key) + source(policy), policy, action_size)
    operator = make_operator(config)
    parts = getattr(operator, "operators", (operator,))
    for i, part in enumerate(parts):
        key = OPERATORS.key if part is operator else f"adaptation.links[{i}].operator"
        if not OPERATORS.is_ours(part.operator):
            doubts += _operator(OPERATORS.told(part.operator, key) + source(part), part, policy)
    for section, named in (("adaptation", INNER), ("meta", OUTER)):
        settings = getattr(config, section)
        for key in named.keys() & {"directions", "decoder"}:
            chosen = getattr(settings, key, "")
            told = f"{section}.{key} = {chosen!r}"
            if key == "directions" and chosen and not DIRECTIONS.is_ours(chosen):
                count = max(operator.directions_at_once, 1) if section == "adaptation" else 2
                doubts += _sampler(told, make_sampler(chosen, settings.direction_options, section), policy.size, count)
            if key == "decoder" and chosen and not DECODERS.is_ours(chosen):
                _decoder(
                    told, make_decoder(chosen, settings.decoder_options, f"{section}.decoder_options"), policy.size
                )
    if not OPTIMIZERS.is_ours(config.meta.optimizer):
        _optimizer(OPTIMIZERS.told(config.meta.optimizer, OPTIMIZERS.key), config, policy.size)
    return doubts


def _policy(told: str, policy: AnyPolicy, action_size: int) -> list[str]:
    d, n = (_integer(told, policy, name, 1) for name in ("size", "observation_size"))
    noise = _integer(told, policy, "noise_per_step", 0)
    generator = np.random.default_rng(0)
    with _blaming(told, policy):
        theta = policy.initial(generator, 1.0)
    _array(told, "initial() gave", theta, (d,), "(size,)")
    parameters = theta[:, None] + 0.1 * generator.standard_normal((d, BATCH))
    parameters = np.concatenate([parameters, generator.standard_normal((noise * STEPS, BATCH))])
    observations = generator.standard_normal((STEPS, n, BATCH))

    def acted(columns: slice) -> np.ndarray:
        bound = policy.bind(np.ascontiguousarray(parameters[:, columns]), np.zeros(n), np.ones(n))
        shape = (action_size, len(range(BATCH)[columns]))
        actions = []
        for seen in observations[:, :, columns]:
            given = bound.act(np.ascontiguousarray(seen))
            actions.append(_array(told, "act() gave", given, shape, "(action_size, batch)").copy())
        return np.stack(actions)

    with _blaming(told, policy):
        together = acted(slice(None))
        apart = np.concatenate([acted(slice(0, 2)), acted(slice(2, BATCH))], axis=2)
    if not np.array_equal(together, apart):
        return [f"{told}: actions differ with the batch they are in, so numbers will depend on the number of ranks."]
    return []


def _operator(told: str, operator: Operator, policy: AnyPolicy) -> list[str]:
    for name, least in (("queries_at_once", 1), ("directions_at_once", 0), ("yields", 1), ("rollouts", 1)):
        _integer(told, operator, name, least)
    if getattr(operator, "uses_recordings", False):  # it is sent what only episodes can make
        return []
    generator, d = np.random.default_rng(0), policy.size
    theta, drawn = generator.standard_normal((d, UNITS, 1)), []
    own = np.repeat(_own(told, operator, policy)[:, None, None], UNITS, axis=1)

    def normals(count: int, size: int | None = None) -> np.ndarray:
        if count > operator.directions_at_once:
            raise ConfigError(
                f"{told}: it draws {count} directions together, and says directions_at_once = "
                f"{operator.directions_at_once}."
            )
        drawn.append(generator.standard_normal((size or d, UNITS, 1, count)))
        found: np.ndarray = drawn[-1].copy()
        return found

    together, total = _adapted(told, operator, policy, theta, own, normals)
    again = iter(drawn)
    alone, _ = _adapted(
        told, operator, policy, theta[:, :1], own[:, :1], lambda count, size=None: next(again)[:, :1].copy()
    )
    doubts = []
    if not np.array_equal(together[:, :1], alone):
        doubts.append(
            f"{told}: a unit comes out otherwise when it is adapted beside another, so numbers will depend on the "
            "number of ranks."
        )
    if total < operator.rollouts:
        doubts.append(f"{told}: it says rollouts = {operator.rollouts}, and asked for {total} rewards.")
    return doubts


def _own(told: str, operator: Operator, policy: AnyPolicy) -> np.ndarray:
    """An operator's own meta-parameters (e,)."""
    if not hasattr(operator, "own_size"):
        return np.empty(0)
    with _blaming(told, operator):
        count, found = operator.own_size(policy), operator.own_initial(policy, np.random.default_rng(0))
    return _array(told, "own_initial() gave", found, (count,), "(own_size,)")


def _adapted(
    told: str,
    operator: Operator,
    policy: AnyPolicy,
    theta: np.ndarray,
    own: np.ndarray,
    normals: Callable[..., np.ndarray],
) -> tuple[np.ndarray, int]:
    """What it returns, and how many rewards it asked for."""
    shape, total, step = theta.shape, 0, 0
    with _blaming(told, operator):
        course = adapting(operator, policy, theta.copy(), own, normals, lambda parameters: None)
        if not inspect.isgenerator(course):
            raise ConfigError(f"{told}: adapt() gave {type(course).__name__}; a generator, which yields, is wanted.")
        try:
            queries: Any = next(course)
            while True:
                count = queries.shape[-1] if getattr(queries, "ndim", 0) == 4 else 1
                _array(told, "it yielded", queries, (*shape, count), "(d, units, tasks, queries)")
                if count > operator.queries_at_once:
                    raise ConfigError(
                        f"{told}: it yields {count} policies together, and says queries_at_once = "
                        f"{operator.queries_at_once}."
                    )
                total, step = total + count, step + 1
                if step > operator.yields or total > operator.rollouts:
                    raise ConfigError(
                        f"{told}: it asks {step} times, for {total} rewards, and says yields = {operator.yields}, "
                        f"rollouts = {operator.rollouts}."
                    )
                operator.pivot_last(step - 1)
                queries = course.send(queries[0] - queries[0] * queries[0] + queries[-1])  # any rewards
        except StopIteration as end:
            adapted = end.value
    return _array(told, "it returned", adapted, shape, "(d, units, tasks)"), total


def _sampler(told: str, sampler: Any, d: int, count: int) -> list[str]:
    told += source(sampler)
    with _blaming(told, sampler):
        try:
            sampler.check(d, count)
        except ConfigError:  # of this number; of the one that is needed it is said where that is known
            return []
        drawn = [sampler.draw(np.random.default_rng(0), d, count) for _ in range(2)]
    for each in drawn:
        _array(told, "draw() gave", each, (d, count), "(dimension, count)")
    if not np.array_equal(*drawn):
        return [f"{told}: it has randomness that its generator does not decide: numbers cannot be repeated."]
    return []


def _decoder(told: str, decoder: Any, d: int) -> None:
    told += source(decoder)
    with _blaming(told, decoder):
        rows = max(decoder.fewest_rows(d), 2)
        if rows * d > MOST_NUMBERS:
            return
        generator = np.random.default_rng(0)
        gradient = decoder.decode(generator.standard_normal((d, rows)), generator.standard_normal(rows))
    _array(told, "decode() gave", gradient, (d,), "(d,)")


def _optimizer(told: str, config: Sections, d: int) -> None:
    with _blaming(told, OPTIMIZERS[config.meta.optimizer]):
        made, other = (make_optimizer(config.meta) for _ in range(2))
        told += source(made)
        moved = made.step(np.zeros(d), np.ones(d))
        remembered = made.to_arrays()
        for arrays in (other.to_arrays(), remembered):  # a file is written before the first step too
            check_storable(f"{told}: to_arrays()", arrays)
        other.restore({name: np.asarray(value) for name, value in remembered.items()})
    _array(told, "step() gave", moved, (d,), "(d,)")


def _array(told: str, what: str, values: Any, shape: tuple[int, ...], meaning: str) -> np.ndarray:
    if not isinstance(values, np.ndarray):
        raise ConfigError(f"{told}: {what} {type(values).__name__}; an array {meaning} = {shape} is wanted.")
    if values.shape != shape or values.dtype != np.float64:
        raise ConfigError(
            f"{told}: {what} an array of shape {values.shape} and type {values.dtype}; {meaning} = {shape} of float64 "
            "is wanted."
        )
    if not np.isfinite(values).all():
        raise ConfigError(f"{told}: {what} numbers that are not finite.")
    return values


def _integer(told: str, thing: object, name: str, least: int) -> int:
    with _blaming(told, thing):
        value = getattr(thing, name)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{told}: {name} = {value!r}; an integer >= {least} is wanted.")
    return int(value)


@contextlib.contextmanager
def _blaming(told: str, part: object) -> Iterator[None]:
    """Say in one line whose part has raised, and where in its file."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise ConfigError(f"{told}: it raised {in_words(error)}{_line(error, part) or place(error)}.") from error


def _line(error: Exception, part: object) -> str:
    """The last line of the part's own module that was being run, as " (file.py, line 3)"; empty if there is none."""
    owner = part if inspect.isclass(part) else type(part)
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({os.path.basename(file)}, line {lines[-1]})" if file and lines else ""
