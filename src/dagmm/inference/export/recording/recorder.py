"""What is recorded of a formula: nodes of a graph, in order, and the constants that they take.

Knows the words of ONNX, but neither its package nor anything of models:
:mod:`dagmm.inference.export.onnx_file` makes a file of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

#: Numbers of values along the axes of an array; a text is the name of one that is not known yet.
Shape: TypeAlias = tuple[int | str, ...]
#: The domain of ONNX that holds what only machine learning has.
ML_DOMAIN = "ai.onnx.ml"


class RecordingError(TypeError):
    """A formula does what cannot be recorded; the message says what."""


@dataclass(frozen=True)
class Value:
    """A value of the graph, by its name.

    Parameters
    ----------
    name : str
    dtype : numpy.dtype
        Of texts it is that of objects.
    shape : tuple of int and str
    """

    name: str
    dtype: np.dtype[Any]
    shape: Shape


@dataclass(frozen=True)
class Body:
    """A graph within a node, such as what a loop repeats; it sees all values around it.

    Parameters
    ----------
    inputs, outputs : tuple of Value
    nodes : tuple of Node
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: "tuple[Node, ...]"


@dataclass(frozen=True)
class Node:
    """One operation.

    Parameters
    ----------
    operator : str
        Its name in ONNX.
    inputs, outputs : tuple of str
        Names of values; an empty input is left out.
    attributes : dict
        Plain values, types of NumPy, or a :class:`Body`.
    domain : str
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""

    @property
    def taken(self) -> Iterator[str]:
        """Names of the values that are needed, those of graphs within included."""
        yield from self.inputs
        for attribute in self.attributes.values():
            if isinstance(attribute, Body):
                yield from (value.name for value in attribute.outputs)
                for node in attribute.nodes:
                    yield from node.taken


class Recorder:
    """Takes down nodes and constants, and gives names.

    Parameters
    ----------
    namespace : module
        The functions that arrays of this recorder have.
    reserved : sequence of str
        Names that are those of inputs and outputs.
    """

    def __init__(self, namespace: ModuleType, reserved: Sequence[str] = ()) -> None:
        self.namespace = namespace
        self._reserved, self._n_names = set(reserved), 0
        self._open: list[list[Node]] = [[]]
        self._known: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self.constants: dict[str, np.ndarray] = {}

    @property
    def nodes(self) -> list[Node]:
        """The nodes of the graph, in their order."""
        return self._open[0]

    def new_name(self) -> str:
        """Return a name that nothing has."""
        while True:
            self._n_names += 1
            name = f"v{self._n_names}"
            if name not in self._reserved:
                return name

    def constant(self, value: np.ndarray) -> Value:
        """Take down a constant; the same one but once."""
        key = value.dtype.str, value.shape, value.tobytes()
        if key not in self._known:
            known = Value(self.new_name(), value.dtype, value.shape)
            self._known[key] = known
            self.constants[known.name] = np.ascontiguousarray(value).reshape(value.shape)
        return self._known[key]

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[tuple[np.dtype[Any], Shape]],
        domain: str = "",
        **attributes: Any,
    ) -> list[Value]:
        """Take down a node, and return what it makes.

        Parameters
        ----------
        operator : str
        inputs : sequence of str
        outputs : sequence of (dtype, shape)
        domain : str
        **attributes
        """
        made = [Value(self.new_name(), dtype, shape) for dtype, shape in outputs]
        names = tuple(value.name for value in made)
        self._open[-1].append(Node(operator, tuple(inputs), names, attributes, domain))
        return made

    def rename(self, value: Value, name: str) -> Value:
        """Give a value a name that is reserved."""
        self._open[-1].append(Node("Identity", (value.name,), (name,)))
        return Value(name, value.dtype, value.shape)

    @contextmanager
    def within(self) -> Iterator[list[Node]]:
        """Take down nodes of a graph within a node, in a list of their own."""
        inner: list[Node] = []
        self._open.append(inner)
        try:
            yield inner
        finally:
            self._open.pop()


def needed(nodes: Sequence[Node], outputs: Sequence[str]) -> list[Node]:
    """Return the nodes that outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.taken)
            kept.append(node)
    return kept[::-1]
