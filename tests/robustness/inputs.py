"""Inputs that nobody meant: configurations, --set strings, and damaged results files, as hypothesis strategies."""

import copy
import dataclasses
import math
import typing

import tomli_w
from hypothesis import strategies as st

from esmaml_mpi.adaptation import OPERATORS, operator_class
from esmaml_mpi.config.config import Config
from esmaml_mpi.settings.fields import _choices
from esmaml_mpi.tasks import FAMILIES, family_class

ODD_INTEGERS = (0, 1, -1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**12, 10**400)
ODD_NUMBERS = (0.0, -0.0, 5e-324, 1e-300, 1e300, math.inf, -math.inf, math.nan)
INTEGERS = st.one_of(st.integers(1, 6), st.integers(-(2**70), 2**70), st.sampled_from(ODD_INTEGERS))
NUMBERS = st.one_of(st.floats(0.01, 2.0), st.floats(), st.sampled_from(ODD_NUMBERS))
TEXTS = st.one_of(st.sampled_from(("", "run", "a/b", "..", "\n", "\0", "\udcff", "x" * 5000, "tanh", "inf")), st.text())
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
# So little work that a configuration with it can be run.
SMALL = {
    "task": {"horizon": 5},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"perturbations": 4, "current_evaluations": 2},
    "test": {"repeats": 1},
}
# Classes that a section may be of: [adaptation] is of its operator's.
SECTIONS = {field.name: [type(getattr(Config(), field.name))] for field in dataclasses.fields(Config)}
SECTIONS["adaptation"] = list(map(operator_class, OPERATORS))


def fields_of(cls) -> dict:
    """A settings class's fields by name, with their types."""
    hints = typing.get_type_hints(cls)
    return {field.name: (field, hints[field.name]) for field in dataclasses.fields(cls) if field.metadata}


def values_of(field, hint):
    """Values of a setting: mostly such as it takes, some such as it does not."""
    limits = field.metadata
    if limits["choices"] is not None:
        good = st.sampled_from(sorted(_choices(limits["choices"])))
    elif hint is bool:
        good = st.booleans()
    elif hint is float:
        good = st.floats(0.01, 1.0)
    elif hint == list[int]:
        good = st.lists(st.integers(1, 5), max_size=2)
    elif hint is str:
        good = st.sampled_from(("run", "another name"))
    else:
        good = st.integers(1, 6)
    kind = {float: NUMBERS, str: TEXTS}.get(hint, INTEGERS)
    return st.one_of(good, good, good, kind, JUNK)


@st.composite
def configurations(draw):
    """Nested mappings like a configuration."""
    tables = copy.deepcopy(draw(st.sampled_from(({}, SMALL, SMALL))))
    names = draw(st.lists(st.sampled_from(sorted(SECTIONS)), unique=True, max_size=4))
    for name in names:
        fields = fields_of(draw(st.sampled_from(SECTIONS[name])))
        for key in draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=4)):
            tables.setdefault(name, {})[key] = draw(values_of(*fields[key]))
    family = draw(st.sampled_from(sorted(FAMILIES)))
    if draw(st.booleans()):
        options = fields_of(family_class(family))
        chosen = draw(st.lists(st.sampled_from(sorted(options)), unique=True, max_size=4))
        tables.setdefault("task", {}).update(
            name=family, options={key: draw(values_of(*options[key])) for key in chosen}
        )
    if draw(st.integers(0, 9)) == 0:
        tables[draw(TEXTS)] = draw(JUNK)
    return tables


@st.composite
def toml_texts(draw):
    """Text like a configuration file, with some characters changed, doubled or lost."""
    tables = draw(configurations())
    try:
        text = tomli_w.dumps(tables)
    except (TypeError, ValueError, UnicodeEncodeError):  # TOML has no None
        text = draw(st.text())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.one_of(st.sampled_from(tuple("[]{}\"'=.,#\n\0")), TEXTS))
            + text[at:][draw(st.integers(0, 3)) :]
        )
    return text


@st.composite
def override_strings(draw):
    """What may follow --set."""
    section = draw(st.sampled_from(sorted(SECTIONS)))
    key = draw(st.sampled_from(sorted(fields_of(draw(st.sampled_from(SECTIONS[section]))))))
    value = draw(st.one_of(INTEGERS.map(lambda i: hex(i) if i >= 0 else "-1"), NUMBERS.map(repr), TEXTS, st.text()))
    return draw(
        st.one_of(
            st.just(f"{section}.{key}={value}"),
            st.just(f"task.options.{draw(TEXTS)}={value}"),
            st.text(),
            st.just(f"{section}.{draw(TEXTS)}={value}"),
        )
    )


@st.composite
def damages(draw):
    """A function that damages the bytes of a file."""
    kind = draw(st.sampled_from(("flip", "flip", "cut", "overwrite", "insert", "append")))
    places = draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=6))
    junk = draw(st.binary(min_size=1, max_size=64))

    def damage(content: bytes) -> bytes:
        damaged = bytearray(content)
        at = min(int(places[0][0] * len(content)), len(content) - 1)
        if kind == "flip":
            for place, bit in places:
                damaged[min(int(place * len(content)), len(content) - 1)] ^= 1 << bit
        elif kind == "cut":
            del damaged[at:]
        elif kind == "overwrite":
            damaged[at : at + len(junk)] = junk
        elif kind == "insert":
            damaged[at:at] = junk
        else:
            damaged += junk
        return bytes(damaged)

    return damage
