"""What every method of a comparison is: a name, and one call that fits it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

#: Takes rows of shape (n_rows, n_features); returns how strange each is, higher is stranger.
Strangeness: TypeAlias = Callable[
    [Float[np.ndarray, "n_rows n_features"]], Float[np.ndarray, " n_rows"]
]
#: Takes training rows and a seed; returns what scores other rows.
Fit: TypeAlias = Callable[[Any, int], Callable[[Any], np.ndarray]]


@dataclass(frozen=True)
class Method:
    """One way to find strange rows.

    Parameters
    ----------
    name : str
        How a user asks for it.
    title : str
        How tables and figures call it.
    fit : callable
        Takes training rows and a seed, returns a function that says how strange rows are:
        higher is stranger, on a scale of its own.
    source : str
        Where it was described.
    sees_table : bool, default=False
        Whether ``fit`` takes the table as the user has it; by default it takes encoded rows, an
        array of shape (n_rows, n_features), float64.
    """

    name: str
    title: str
    fit: Fit
    source: str
    sees_table: bool = False
