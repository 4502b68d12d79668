"""Typed settings: dataclasses whose fields say what is allowed, and errors that say what is wrong."""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from esmaml_mpi.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MOST_SHOWN = 80  # characters of a value in a message
WORD = 2**63  # integers travel and are stored in 64 bits

Default = TypeVar("Default")
Settings = TypeVar("Settings", bound="DataclassInstance")
Choices = Iterable[str] | Callable[[], Iterable[str]]


def setting(
    default: Default,
    doc: str,
    *,
    choices: Choices | None = None,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
    finite: bool = True,
) -> Default:
    """A dataclass field with documentation and limits.

    ``choices``: an iterable of allowed values, or a function that returns one (for registries).
    ``minimum``/``maximum`` are inclusive, ``above``/``below`` exclusive, ``finite`` excludes infinity; for lists every
    limit holds for each element. A list or dict default is copied for each instance.
    """
    metadata = dict(doc=doc, choices=choices, minimum=minimum, above=above, maximum=maximum, below=below, finite=finite)
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def unknown(kind: str, name: object, allowed: Iterable[str]) -> ConfigError:
    """The error for a name that does not exist, with the nearest one that does."""
    import difflib  # of those who are mistaken

    allowed = sorted(allowed)
    near = difflib.get_close_matches(str(name)[:MOST_SHOWN], allowed, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigError(f"{kind} {show(name)} does not exist.{hint} Allowed: {', '.join(allowed) or '(none)'}.")


def show(value: object) -> str:
    """``value`` as it stands in a message: on one line, and cut where it is long."""
    if type(value) is int and value.bit_length() > 200:
        return f"{'-' if value < 0 else ''}2**{value.bit_length() - 1}.."  # Python refuses to print very long integers
    if isinstance(value, str):
        value = value if len(value) <= MOST_SHOWN else value[:MOST_SHOWN] + ".."
        return ascii(value) if not value.isprintable() else repr(value)
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # a very long integer, or very many brackets, somewhere inside
        return f"({_kind(value)})"
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + ".."


def parse(cls: type[Settings], values: Mapping[str, Any], path: str, known: bool = True) -> Settings:
    """Build settings dataclass ``cls`` from a mapping; errors name each key behind ``path``, as meta.sigma.

    ``known``: whether names out of registries must be those of something that there is, here and now.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path} = {show(values)}: a table of settings is wanted, not {_kind(values)}.")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.metadata}
    for key in values:
        if key not in fields:
            raise unknown("key", f"{path}.{key}", [f"{path}.{name}" for name in fields])
    hints = typing.get_type_hints(cls)
    return cls(**{key: check(value, hints[key], fields[key], f"{path}.{key}", known) for key, value in values.items()})


def plain_values(value: Any) -> Any:
    """Nested mappings and lists with plain numbers in them, where those of NumPy stood, or arrays; a copy."""
    if isinstance(value, Mapping):
        return {name: plain_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(inner) for inner in value]
    return value.tolist() if hasattr(value, "dtype") and hasattr(value, "tolist") else value


def json_values(value: Any) -> Any:
    """Settings as JSON can hold them: infinite ones as the words "inf" and "-inf", which TOML has for them."""
    if isinstance(value, Mapping):
        return {name: json_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def check(value: Any, annotation: Any, field: dataclasses.Field, key: str, known: bool = True) -> Any:
    """``value`` as the annotated type if field and type allow it; a ConfigError naming ``key`` if not."""
    value = _convert(value, annotation, key)
    for element in value if isinstance(value, list) else [value]:
        if element is not None and not isinstance(element, dict):
            _check_limits(element, field.metadata, key, known)
    return value


def allowed(field: dataclasses.Field) -> str:
    """What a field accepts, in words ("" when only its type limits it)."""
    limits = field.metadata
    if limits["choices"] is not None:
        options = _choices(limits["choices"])
        names = ", ".join(sorted(map(str, options)) if hasattr(options, "accepts") else map(str, options))
        return f"one of {names}" + (" or MODULE:CLASS" if hasattr(options, "accepts") else "")
    return " and ".join(_limits({**limits, "maximum": None} if limits["maximum"] == WORD - 1 else limits))


def _limits(limits: Mapping[str, Any]) -> Iterable[str]:
    """The limits of a number, as ">= 0", in words that can be read."""
    for name, sign in _SIGNS.items():
        limit = limits[name]
        if limit is None:
            continue
        if name == "maximum" and type(limit) is int and limit >= 2**31 - 1 and (limit + 1).bit_count() == 1:
            yield f"< 2^{limit.bit_length()}"
        else:
            yield f"{sign} {limit:g}".replace("e+0", "e") if isinstance(limit, float) else f"{sign} {limit}"


def _convert(value: Any, annotation: Any, key: str) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (
        types.UnionType,
        typing.Union,
    ):  # only "X | None" is used; None stands for "derived", and TOML cannot write it
        if value is None:
            return None
        (annotation,) = (argument for argument in arguments if argument is not types.NoneType)
        return _convert(value, annotation, key)
    if origin is list:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{key} = {show(value)}: a list is wanted, not {_kind(value)}.")
        return [_convert(element, arguments[0], key) for element in value]
    if annotation is float and type(value) is int:
        if not _fits(value):
            raise ConfigError(f"{key} = {show(value)}: a number of at most 64 bits, or one such as 1e30, is wanted.")
        value = float(value)
    if type(value) is not annotation:
        raise ConfigError(f"{key} = {show(value)}: {_NAMES[annotation]} is wanted, not {_kind(value)}.")
    if annotation is str and not _is_text(value):
        raise ConfigError(f"{key} = {show(value)}: text in UTF-8 is wanted, without null characters.")
    if annotation is float and math.isnan(value):
        raise ConfigError(f"{key} = nan: a number is wanted.")
    return value


def _check_limits(value: Any, limits: Mapping[str, Any], key: str, known: bool) -> None:
    if limits["choices"] is not None:
        options = _choices(limits["choices"])
        if not _accepted(value, options) and (known or not hasattr(options, "accepts")):
            raise ConfigError(f"{key} = {show(value)}: {unknown('value', value, map(str, options))}")
    bad = (
        (limits["minimum"] is not None and value < limits["minimum"])
        or (limits["maximum"] is not None and value > limits["maximum"])
        or (limits["above"] is not None and value <= limits["above"])
        or (limits["below"] is not None and value >= limits["below"])
    )
    if bad:
        raise ConfigError(f"{key} = {show(value)}: a value {' and '.join(_limits(limits))} is wanted.")
    if isinstance(value, int) and not _fits(value):
        raise ConfigError(f"{key} = {show(value)}: an integer of at most 64 bits is wanted.")
    if limits["finite"] and isinstance(value, float) and math.isinf(value):
        raise ConfigError(f"{key} = {value!r}: a finite number is wanted.")


def _fits(value: int) -> bool:
    return -WORD <= value < WORD


def _is_text(value: str) -> bool:
    """Whether it can be written to a file: the command line may hand over bytes that are no characters."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _accepted(value: Any, options: Iterable[str]) -> bool:
    """Whether it is one of them; a registry knows more names than its own."""
    accepts = getattr(options, "accepts", None)
    return bool(accepts(value)) if accepts is not None and isinstance(value, str) else value in options


def _choices(choices: Choices) -> Iterable[str]:
    return choices() if callable(choices) else choices


_SIGNS = {"minimum": ">=", "above": ">", "maximum": "<=", "below": "<"}
_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false", list: "a list", dict: "a table"}


def _kind(value: object) -> str:
    return _NAMES.get(type(value), type(value).__name__)
