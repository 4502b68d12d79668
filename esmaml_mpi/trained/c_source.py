"""A policy as C99: a header and a source of constants and loops, with the bits of the simulation.

Layers are bound as ``BoundPolicy`` binds them, sums are its sums in its order, and tanh is that of
``native/elementary.py``, operation by operation.
"""

import math
import re

import numpy as np

from esmaml_mpi.errors import UsageError
from esmaml_mpi.policies.gru import Gru
from esmaml_mpi.policies.mlp import BoundPolicy, Policy
from esmaml_mpi.rollouts.simulate import FEWEST
from esmaml_mpi.trained import c_text
from esmaml_mpi.trained.portable_policy import PortablePolicy

WIDTH = 112  # of lines of numbers


def identifier(text: str) -> str:
    """A valid C identifier that is ``text`` as far as possible: what begins the names of an exported policy. Letters
    that C has not become their numbers, so that names which differ in them alone do not clash in one program.
    """
    name = re.sub(r"[^0-9A-Za-z_]", lambda found: "_" if found[0].isascii() else f"u{ord(found[0]):04x}", text)
    return name if re.match("[A-Za-z]", name) else f"policy{'' if name.startswith('_') else '_'}{name}"


def c_source(portable: PortablePolicy, name: str, header: str) -> tuple[str, str]:
    """Header and source; ``name`` is an identifier, ``header`` the name of the file that the source includes.

    UsageError if the numbers are not finite once they are bound.
    """
    network, interface = portable.network, portable.interface
    bounded, scaled = _bounded(portable), bool(portable.scaled_actions.any())
    labels = {"observation": interface.observation_names, "action": interface.action_names}
    labels = {kind: words for kind, words in labels.items() if words}
    state, remembered = network.state_size, f"double state[{network.state_size}], " if network.state_size else ""
    written = c_text.HEADER.substitute(
        name=name,
        state=state,
        remembered=remembered,
        memory=c_text.MEMORY.substitute(upper=name.upper()) if state else "",
        upper=name.upper(),
        inputs=network.observation_size,
        outputs=network.action_size,
        rate=repr(float(interface.rate)),
        meaning=("scaled to its bounds and clipped to them" if scaled else "clipped to its bounds")
        if bounded
        else "as it is",
        names="".join(
            c_text.NAMES.substitute(name=name, kind=kind, count=len(words)) for kind, words in labels.items()
        ),
    )
    arrays = _layer_arrays(portable)
    if bounded:
        low, high = portable.action_bounds
        arrays += _array("static const double action_low", low) + _array("static const double action_high", high)
    if scaled:
        flags = ", ".join(str(int(each)) for each in portable.scaled_actions)
        arrays += f"static const int action_scaled[{network.action_size}] = {{{flags}}};\n"
    for kind, words in labels.items():
        inner = "".join(f"    {_literal(word)},\n" for word in words)
        arrays += f"const char *const {name}_{kind}_names[{len(words)}] = {{\n{inner}}};\n"
    squashes = {network.activation if portable.head.hidden else "identity", network.output} - {"identity"}
    squashes |= {"tanh"} if state else set()
    templates = [c_text.SCALED] * scaled + [c_text.CLIPPED] * bounded
    source = c_text.SOURCE.substitute(
        name=name,
        header=header,
        inputs=network.observation_size,
        outputs=network.action_size,
        remembered=remembered,
        state_argument="state, " if state else "",
        arrays=arrays,
        tanh=c_text.TANH if "tanh" in squashes else "",
        squashes="\n".join(c_text.SQUASHES[each] for each in sorted(squashes)),
        calls=_calls(portable),
        action="".join(template.substitute(count=network.action_size) for template in templates),
    )
    return written, source


def _bounded(portable: PortablePolicy) -> bool:
    return any(np.isfinite(bound).any() for bound in portable.action_bounds)


def _layer_arrays(portable: PortablePolicy) -> str:
    """Weights and biases as they are bound to normalise what is seen."""
    network, mean, std = portable.network, portable.observer.mean, portable.observer.std
    if isinstance(network, Policy):
        return _bound_arrays(network, portable.parameters, mean, std)
    *cell, head = network.split(portable.parameters)
    if isinstance(network, Gru):
        cell[0] = cell[0] * 0.5
    still = np.zeros(network.state_size), np.ones(network.state_size)
    shift, scale = (np.concatenate(each) for each in zip((mean, std), still, strict=True))
    text = "".join(
        _bound_arrays(layer, numbers, shift, scale, f"cell_{{}}_{i}")
        for i, (layer, numbers) in enumerate(zip(network.cell, cell, strict=True))
    )
    return text + _bound_arrays(network.head, head, *still)


def _bound_arrays(
    policy: Policy, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, name: str = "{}_{layer}"
) -> str:
    """Those of plain layers; ``name`` says how the arrays are called."""
    bound = BoundPolicy(policy, np.repeat(parameters[:, None], FEWEST, axis=1), mean, std)
    text = ""
    for i, (weights, biases, *_) in enumerate(bound.layers):
        for what, values in (("weights", weights), ("biases", biases)):
            numbers = values[..., 0].ravel()
            if not np.isfinite(numbers).all():
                raise UsageError("--policy c: the policy has numbers that are not finite.")
            text += _array(f"static const double {name.format(what, layer=i)}", numbers)
    return text


def _calls(portable: PortablePolicy) -> str:
    """One call a layer, from array to array, behind the cell if there is one."""
    network, text, source = portable.head, "", "observation"
    if state := portable.network.state_size:
        inputs = portable.network.observation_size
        template = c_text.GRU if isinstance(portable.network, Gru) else c_text.ELMAN
        sizes = {"all": inputs + state, "inputs": inputs, "state": state}
        text, source = c_text.CELL_INPUTS.substitute(sizes) + template.substitute(sizes), "state"
    last = len(network.layers) - 1
    for i, (inputs, outputs) in enumerate(network.layers):
        target, squash = ("output", network.output) if i == last else (f"hidden_{i}", network.activation)
        if i < last:
            text += f"    double {target}[{outputs}];\n"
        text += f"    layer(weights_{i}, biases_{i}, {inputs}, {outputs}, {source}, {target});\n"
        if squash != "identity":
            text += f"    squash_{squash}({target}, {outputs});\n"
        source = target
    return text


def _array(declaration: str, values: np.ndarray) -> str:
    """An array of doubles, exactly."""
    lines, line = [], ""
    for number in map(_number, values.tolist()):
        if len(line) + len(number) > WIDTH:
            lines.append(line)
            line = ""
        line += f"{number}, "
    inner = "".join(f"    {each.rstrip()}\n" for each in [*lines, line])
    return f"{declaration}[{len(values)}] = {{\n{inner}}};\n"


def _number(value: float) -> str:
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return value.hex()


def _literal(text: str) -> str:
    """A string of C; what is not plain ASCII stands as octal bytes of UTF-8, and so do question marks: of trigraphs."""
    plain = {byte: chr(byte) for byte in range(32, 127) if chr(byte) not in '"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text.encode()) + '"'
