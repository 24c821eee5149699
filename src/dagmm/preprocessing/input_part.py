"""A part of the inputs that windows have: what some networks and densities see of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dagmm._core.json_fields import JsonField
from dagmm._core.states import State


@dataclass(frozen=True)
class InputPart:
    """The inputs from one place to another, as a view of a row.

    Parameters
    ----------
    start, stop : int
        The first of them, and the first that is not one of them any more.
    """

    start: int
    stop: int

    def __call__(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float32[np.ndarray, "n_rows n_seen"]:
        """Return these inputs of some rows."""
        return np.ascontiguousarray(features[:, self.start : self.stop])

    def width(self, n_features: int) -> int:
        """Return the number of inputs that are seen."""
        return self.stop - self.start

    def state(self) -> State:
        """Return the view as plain data."""
        return State({"start": self.start, "stop": self.stop}, {})

    @classmethod
    def of_plain(cls, plain: JsonField, n_features: int) -> "InputPart":
        """Check the plain data of :meth:`state`, which is all there is of the view.

        Raises
        ------
        ValueError
        """
        start, stop = plain.fields("start", "stop")
        if not start.whole() < stop.whole() <= n_features:
            stop.fail(f"more than start, and at most {n_features}")
        return cls(start.whole(), stop.whole())
