"""A policy as an ONNX model, in doubles: ``observation`` (batch, n) in, ``output`` and ``action`` (batch, m) out.

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
    last = len(portable.layers) - 1
    for i, (weights, biases) in enumerate(portable.layers):
        x = graph.node("MatMul", x, graph.constant(f"weights_{i}", weights))
        x = graph.node("Add", x, graph.constant(f"biases_{i}", biases))
        x = graph.node(
            NODES[portable.network.activation if i < last else portable.network.output], x, to="output" * (i == last)
        )
    _add_action(graph, portable)
    return graph.model(portable.network.observation_size, portable.network.action_size, card)


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

    def model(self, observations: int, actions: int, card: str) -> bytes:
        """The whole model, checked."""
        helper, double = self._onnx.helper, self._onnx.TensorProto.DOUBLE
        sizes = {"observation": observations, "output": actions, "action": actions}
        infos = [helper.make_tensor_value_info(name, double, ["batch", size]) for name, size in sizes.items()]
        graph = helper.make_graph(self._nodes, "policy", infos[:1], infos[1:], self._constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, producer_name="esmaml_mpi", opset_imports=[opset], ir_version=IR_VERSION)
        helper.set_model_props(model, {"card": card})
        self._onnx.checker.check_model(model, full_check=True)
        serialised: bytes = model.SerializeToString()
        return serialised
