"""A policy as an ONNX model, in doubles: ``observation`` (batch, n) in, ``output`` and ``action`` (batch, m) out.

One that remembers also takes ``state`` (batch, s), zeros at the start of an episode, and gives ``next_state``.

It computes what ``policy_file.py`` describes; the library's tanh and its order of sums are not ours, so that it agrees
to some units of the last place, not to the bit.
"""

from typing import Any

import numpy as np

from esmaml_mpi.errors import UsageError, in_words
from esmaml_mpi.trained.portable_policy import PortablePolicy

OPSET, IR_VERSION = 17, 8  # of 2022: newer ones are not needed, and older runtimes do not read them
NODES = {"relu": "Relu", "tanh": "Tanh", "identity": "Identity"}


def onnx_model(portable: PortablePolicy, card: str) -> bytes:
    """The model as bytes; the card is in its metadata. UsageError where the library is missing."""
    try:
        import onnx
    except ImportError as error:
        raise UsageError(
            f'--policy onnx needs onnx ({in_words(error)}). Install it with: pip install "esmaml-mpi[onnx]".'
        ) from error
    graph = _Graph(onnx)
    x = graph.node("Sub", "observation", graph.constant("observation_mean", portable.observer.mean))
    x = graph.node("Div", x, graph.constant("observation_std", portable.observer.std))
    if portable.cell:
        x = _add_cell(graph, portable, x)
    last = len(portable.layers) - 1
    for i, (weights, biases) in enumerate(portable.layers):
        x = graph.layer(x, weights, biases, str(i))
        x = graph.node(
            NODES[portable.network.activation if i < last else portable.network.output], x, to="output" * (i == last)
        )
    _add_action(graph, portable)
    network = portable.network
    return graph.model(network.observation_size, network.action_size, network.state_size, card)


def _add_cell(graph: "_Graph", portable: PortablePolicy, x: str) -> str:
    """The next state, of the normalised observation and the state."""
    layers = [(weights, biases, f"of_cell_{i}") for i, (weights, biases) in enumerate(portable.cell)]
    y = graph.layer(graph.joined(x, "state"), *layers[0])
    if portable.network.architecture == "elman":
        return graph.node("Tanh", y, to="next_state")
    keep, look = graph.halves(graph.node("Sigmoid", y), portable.network.state_size)
    new = graph.node("Tanh", graph.layer(graph.joined(x, graph.node("Mul", look, "state")), *layers[1]))
    return graph.node("Add", new, graph.node("Mul", keep, graph.node("Sub", "state", new)), to="next_state")


def _add_action(graph: "_Graph", portable: PortablePolicy) -> None:
    """The action of the output: scaled, then clipped."""
    low, high = portable.action_bounds
    scaled, x = portable.scaled_actions, "output"
    if scaled.any():
        one = graph.constant("one", np.array(1.0))
        y = graph.node("Clip", x, graph.constant("minus_one", np.array(-1.0)), one)
        half = np.where(scaled, 0.5 * (np.where(scaled, high, 1.0) - np.where(scaled, low, 0.0)), 0.0)
        y = graph.node("Mul", graph.node("Add", y, one), graph.constant("half_range", half))
        y = graph.node("Add", graph.constant("scaled_low", np.where(scaled, low, 0.0)), y)
        x = graph.node("Where", graph.constant("action_scaled", scaled), y, x)
    if np.isfinite(low).any() or np.isfinite(high).any():
        x = graph.node("Max", x, graph.constant("action_low", low))
        x = graph.node("Min", x, graph.constant("action_high", high))
    graph.node("Identity", x, to="action")


class _Graph:
    """Nodes and constants in their order."""

    def __init__(self, onnx: Any):
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        """An array under a name, which is returned."""
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, to: str = "") -> str:
        """An operation; the name of its result is returned."""
        to = to or f"x{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [to]))
        return to

    def layer(self, x: str, weights: np.ndarray, biases: np.ndarray, name: str) -> str:
        """A plain layer, not squashed yet."""
        y = self.node("MatMul", x, self.constant(f"weights_{name}", weights))
        return self.node("Add", y, self.constant(f"biases_{name}", biases))

    def joined(self, *inputs: str) -> str:
        """The numbers of all inputs in one row."""
        to = f"x{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node("Concat", inputs, [to], axis=1))
        return to

    def halves(self, x: str, size: int) -> list[str]:
        """The first ``size`` numbers of rows, and the other ``size``."""
        names = [f"x{len(self._nodes)}_{half}" for half in ("first", "second")]
        sizes = self.constant("halves", np.array([size, size], dtype=np.int64))
        self._nodes.append(self._onnx.helper.make_node("Split", [x, sizes], names, axis=1))
        return names

    def model(self, observations: int, actions: int, state: int, card: str) -> bytes:
        """The whole model, checked."""
        helper, double = self._onnx.helper, self._onnx.TensorProto.DOUBLE

        def infos(**sizes: int) -> list[Any]:
            return [helper.make_tensor_value_info(name, double, ["batch", size]) for name, size in sizes.items()]

        given, found = infos(observation=observations), infos(output=actions, action=actions)
        if state:
            given, found = [*given, *infos(state=state)], [*found, *infos(next_state=state)]
        graph = helper.make_graph(self._nodes, "policy", given, found, self._constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, producer_name="esmaml_mpi", opset_imports=[opset], ir_version=IR_VERSION)
        helper.set_model_props(model, {"card": card})
        self._onnx.checker.check_model(model, full_check=True)
        serialised: bytes = model.SerializeToString()
        return serialised
