"""What differs between tasks: names and values out of the configuration, and a task's own as numbers."""

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.fields import WORD, show

DEEPEST = 16  # tables and lists inside one another
NUMBER = "number"
EXACT = 2**53  # integers below it are float64s, as parameters of tasks are
Parameter = bool | int | float | str | list | dict | np.ndarray


@dataclass(frozen=True)
class Range:
    """Numbers between ``low`` and ``high`` (shape), both of which integers may be."""

    low: np.ndarray
    high: np.ndarray
    integer: bool

    @classmethod
    def parse(cls, key: str, table: Mapping) -> "Range":
        """Of a table {low, high, integer}; ConfigError, which begins with ``key``, names what is wrong with it."""
        integer = table.get("integer", False)
        if type(integer) is not bool:
            raise ConfigError(f"{key}: integer = {show(integer)}: true or false is wanted.")
        try:
            low, high = (_bound(table[end]) for end in ("low", "high"))
            low, high = np.broadcast_arrays(low, high) if not low.ndim or not high.ndim else (low, high)
        except (TypeError, ValueError):  # not numbers, or lists of unequal length inside one
            low, high = np.array([1.0]), np.array([0.0])
        if low.shape != high.shape:
            raise ConfigError(f"{key}: low has shape {low.shape} and high {high.shape}; the same is wanted.")
        if not (low.size and (low <= high).all()):
            raise ConfigError(f"{key}: finite numbers low <= high are wanted.")
        if integer and not all(np.array_equal(end, np.rint(end)) and abs(end).max() < EXACT for end in (low, high)):
            raise ConfigError(f"{key}: integer = true, so integers below 2**53 are wanted for low and high.")
        return cls(low, high, integer)

    def filling(self, shape: tuple[int, ...]) -> "Range":
        """One number for the range is drawn for each element of what has this shape; a range of that shape stays."""
        if self.low.ndim:
            return self
        return Range(np.full(shape, self.low), np.full(shape, self.high), self.integer)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Numbers (size,) of one task."""
        if self.integer:
            low, high = self.low.ravel().astype(np.int64), self.high.ravel().astype(np.int64)
            return generator.integers(low, high, endpoint=True).astype(np.float64)
        return generator.uniform(self.low.ravel(), self.high.ravel())

    def value(self, numbers: np.ndarray) -> int | float | np.ndarray:
        """What a task is given, from its numbers (size,): a number, or an array of the range's shape."""
        found = numbers.reshape(self.low.shape)
        if self.integer:
            found = found.astype(np.int64)
        return found.copy() if found.ndim else found.item()


@dataclass(frozen=True)
class Variation:
    """Lists of values (one a task), ranges, and names that get the task's number."""

    lists: Mapping[str, list]
    ranges: Mapping[str, Range]
    numbers: tuple[str, ...]

    @classmethod
    def parse(cls, vary: Mapping) -> "Variation":
        """From ``task.options.vary``; ConfigError names what is wrong with it."""
        lists, ranges, numbers = {}, {}, []
        # Sorted, as ranges are drawn one after the other and tables have no order.
        for name, value in sorted(vary.items()):
            key = f"task.options.vary.{name} = {show(value)}"
            if not name:
                raise ConfigError(f"{key}: a name is wanted.")
            if isinstance(value, list) and value:
                lists[name] = value
            elif isinstance(value, Mapping) and {"low", "high"} <= value.keys() <= {"low", "high", "integer"}:
                ranges[name] = Range.parse(key, value)
            elif value == NUMBER:
                numbers.append(name)
            else:
                raise ConfigError(f'{key}: a list of values, {{low, high}} or "{NUMBER}" is wanted.')
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"task.options.vary.{name} has {length}" for name, length in lengths.items())
            raise ConfigError(f"lists of as many values as there are tasks are wanted, but {said}.")
        return cls(lists, ranges, tuple(numbers))

    def filling(self, shape_of: Callable[[str], tuple[int, ...]]) -> "Variation":
        """With ranges of single numbers drawn for every element of what they set, whose shape is given by name."""
        ranges = {name: each.filling(shape_of(name)) for name, each in self.ranges.items()}
        return dataclasses.replace(self, ranges=ranges)

    @property
    def names(self) -> list[str]:
        """All names."""
        return [*self.lists, *self.ranges, *self.numbers]

    @property
    def count(self) -> int | None:
        """Number of distinct tasks; None where they are drawn or counted without end."""
        if self.lists:
            return len(next(iter(self.lists.values())))
        return None if self.ranges or self.numbers else 1

    def draw(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Parameters (1 + numbers of the ranges,) of a task: its number, then what each range draws."""
        return np.concatenate([[task_id], *(each.draw(generator) for each in self.ranges.values())], dtype=float)

    def first(self, task_id: int) -> np.ndarray:
        """Parameters of a task that need no randomness: the lower end of each range."""
        return np.concatenate([[task_id], *(each.low.ravel() for each in self.ranges.values())], dtype=float)

    def values(self, parameters: np.ndarray) -> dict[str, Parameter]:
        """What a task sets: name -> value, from its parameters. Lists, tables and arrays are the caller's to change."""
        number, start = int(parameters[0]), 1
        values: dict[str, Parameter] = {name: copy.deepcopy(listed[number]) for name, listed in self.lists.items()}
        for name, each in self.ranges.items():
            values[name] = each.value(parameters[start : start + each.low.size])
            start += each.low.size
        values.update(dict.fromkeys(self.numbers, number))
        return values


def _bound(value: object) -> np.ndarray:
    """Finite numbers as an array; TypeError or ValueError for anything else, true and false included."""
    array = np.array(value)
    if array.dtype.kind not in "iuf" or _holds_bool(value) or not np.isfinite(array).all():
        raise TypeError("finite numbers are wanted")
    return array.astype(np.float64)


def _holds_bool(value: object) -> bool:
    return any(map(_holds_bool, value)) if isinstance(value, list) else isinstance(value, bool)


def check_plain(value: object, key: str, depth: int = 0) -> None:
    """Raise ConfigError unless ``value`` can be kept: numbers, text, lists and tables, no dates, no nan."""
    if depth > DEEPEST:
        raise ConfigError(f"{key}: at most {DEEPEST} tables and lists inside one another are wanted.")
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str) or not _is_text(name):
                raise ConfigError(f"{key}: a name {show(name)} is not text in UTF-8 without null characters.")
            check_plain(inner, f"{key}.{name}", depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner, key, depth + 1)
    elif type(value) not in (bool, int, float, str):
        raise ConfigError(f"{key} = {show(value)}: numbers, text, true or false, lists or tables of them are wanted.")
    elif type(value) is int and not -WORD <= value < WORD:
        raise ConfigError(f"{key} = {show(value)}: an integer of at most 64 bits is wanted.")
    elif type(value) is float and math.isnan(value):
        raise ConfigError(f"{key} = nan: a number is wanted.")
    elif type(value) is str and not _is_text(value):
        raise ConfigError(f"{key} = {show(value)}: text in UTF-8 is wanted, without null characters.")


def _is_text(value: str) -> bool:
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
