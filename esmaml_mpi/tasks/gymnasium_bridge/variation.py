"""What differs between tasks: names and values out of the configuration, and a task's own as numbers."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.fields import WORD, show

DEEPEST = 16  # tables and lists inside one another
NUMBER = "number"
Parameter = bool | int | float | str | list | dict


@dataclass(frozen=True)
class Variation:
    """Lists of values (one a task), ranges (low, high), and names that get the task's number."""

    lists: Mapping[str, list]
    ranges: Mapping[str, tuple[float, float]]
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
            elif isinstance(value, Mapping) and value.keys() == {"low", "high"}:
                low, high = value["low"], value["high"]
                if not all(type(end) in (int, float) and math.isfinite(end) for end in (low, high)) or low > high:
                    raise ConfigError(f"{key}: finite numbers low <= high are wanted.")
                ranges[name] = float(low), float(high)
            elif value == NUMBER:
                numbers.append(name)
            else:
                raise ConfigError(f'{key}: a list of values, {{low, high}} or "{NUMBER}" is wanted.')
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"task.options.vary.{name} has {length}" for name, length in lengths.items())
            raise ConfigError(f"lists of as many values as there are tasks are wanted, but {said}.")
        return cls(lists, ranges, tuple(numbers))

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
        """Parameters (1 + ranges,) of a task: its number, then one value of each range."""
        return np.array([task_id, *(generator.uniform(low, high) for low, high in self.ranges.values())], dtype=float)

    def first(self, task_id: int) -> np.ndarray:
        """Parameters of a task that need no randomness: the lower end of each range."""
        return np.array([task_id, *(low for low, _ in self.ranges.values())], dtype=float)

    def values(self, parameters: np.ndarray) -> dict[str, Parameter]:
        """What a task sets: name -> value, from its parameters. Lists and tables are the caller's to change."""
        number = int(parameters[0])
        values = {name: copy.deepcopy(listed[number]) for name, listed in self.lists.items()}
        values.update(zip(self.ranges, parameters[1:].tolist(), strict=True))
        values.update(dict.fromkeys(self.numbers, number))
        return values


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
