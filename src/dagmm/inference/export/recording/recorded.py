"""Arrays that record what is done with them, in place of the arrays of NumPy.

A formula that is given one runs as it does with numbers, and leaves a graph behind. Operators and
functions of NumPy come here by its own protocols (NEP 13, 18 and the array API's
``__array_namespace__``) and are looked up by their names in the namespace of the recorder,
:mod:`dagmm.inference.export.recording.namespace`.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dagmm.inference.export.recording.recorder import Recorder, RecordingError, Shape, Value


class Recorded(NDArrayOperatorsMixin):
    """An array that has no values yet.

    Parameters
    ----------
    recorder : Recorder
    value : Value
    """

    def __init__(self, recorder: Recorder, value: Value) -> None:
        self.recorder, self.value = recorder, value

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.value.dtype

    @property
    def shape(self) -> Shape:
        """Number of values along each axis; a text where it is not known."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __array_namespace__(self, **_: Any) -> ModuleType:
        return self.recorder.namespace

    def _named(self, function: Callable[..., Any]) -> Any:
        found = getattr(self.recorder.namespace, function.__name__, None)
        if found is None:
            raise RecordingError(
                f"numpy.{function.__name__} is none of the functions that can be recorded"
            )
        return found

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        if method != "__call__" or options:
            raise RecordingError(f"numpy.{ufunc.__name__}.{method} cannot be recorded")
        # A step in place binds a name anew, which is all that it means to whoever took it.
        if out is not None and not all(isinstance(one, Recorded) for one in out):
            raise RecordingError("a part of an array cannot be changed in place")
        return self._named(ufunc)(*inputs)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        return self._named(function)(*arguments, **options)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RecordingError("it needs the values of an array, which a graph does not have yet")

    __bool__ = __float__ = __int__ = __index__ = __iter__ = __array__

    def __len__(self) -> int:
        if not isinstance(self.shape[0], int):
            raise RecordingError("it needs the number of rows, which a graph does not know")
        return self.shape[0]

    def __getitem__(self, key: Any) -> "Recorded":
        return self._operation("part_of", key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise RecordingError("a part of an array cannot be changed in place")

    def _operation(self, name: str, *arguments: Any, **options: Any) -> "Recorded":
        made: Recorded = getattr(self.recorder.namespace, name)(self, *arguments, **options)
        return made

    def astype(self, dtype: Any, copy: bool = True) -> "Recorded":
        """Return it in another type."""
        return self._operation("astype", dtype)

    def reshape(self, *shape: Any) -> "Recorded":
        """Return it in another shape."""
        return self._operation("reshape", shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int) -> "Recorded":
        """Return it with axes in another order."""
        return self._operation("transpose", axes or None)

    @property
    def T(self) -> "Recorded":  # noqa: N802 - NumPy's name
        """With its axes in reverse order."""
        return self._operation("transpose")

    @property
    def mT(self) -> "Recorded":  # noqa: N802
        """With its last two axes exchanged."""
        return self._operation("swapaxes", -1, -2)

    def squeeze(self, axis: int) -> "Recorded":
        """Return it without an axis of length 1."""
        return self._operation("squeeze", axis)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Recorded":
        """Sum over an axis."""
        return self._operation("sum", axis, keepdims=keepdims)

    def max(self, axis: int | None = None, keepdims: bool = False) -> "Recorded":
        """Maximum over an axis."""
        return self._operation("max", axis, keepdims=keepdims)

    def min(self, axis: int | None = None, keepdims: bool = False) -> "Recorded":
        """Minimum over an axis."""
        return self._operation("min", axis, keepdims=keepdims)

    def any(self, axis: int | None = None, keepdims: bool = False) -> "Recorded":
        """Whether any is true along an axis."""
        return self._operation("any", axis, keepdims=keepdims)

    def all(self, axis: int | None = None, keepdims: bool = False) -> "Recorded":
        """Whether all are true along an axis."""
        return self._operation("all", axis, keepdims=keepdims)
