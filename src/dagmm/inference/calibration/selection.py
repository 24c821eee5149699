"""Rows that can be called anomalies at a false discovery rate.

A threshold says how many normal rows it lets through; of the rows above it most may be normal all
the same, where anomalies are rare. The procedure of Benjamini and Hochberg (1995) bounds the
expected share of normal rows among those that are selected. With conformal p-values, which share
one held-out sample and so depend on each other, it still does: Bates, Candes, Lei, Romano and
Sesia, *Testing for outliers with conformal p-values*, Annals of Statistics 51, 2023, theorem 2.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.threshold import conformal_p_value_of

#: Relative error of a fraction.
_ROUNDING = 1e-9


class Selection(NamedTuple):
    """Rows selected at a false discovery rate.

    Parameters
    ----------
    is_selected : ndarray of shape (n_rows,), bool
    p_value : ndarray of shape (n_rows,)
    least_rows : int
        Rows that must be stranger than all counted ones before any can be selected.
    warnings : tuple of str
        Why none, or less than should be, is selected, or the rate may not hold.
    """

    is_selected: np.ndarray
    p_value: np.ndarray
    least_rows: int
    warnings: tuple[str, ...]


def select(
    calibration: Calibration, energy: Float[np.ndarray, " n_rows"], fdr: object, n_steps: int = 1
) -> Selection:
    """Select rows of which a share of at most ``fdr`` is expected to be normal.

    Parameters
    ----------
    calibration : Calibration
    energy : ndarray of shape (n_rows,)
        Of all rows among which is selected, in nats.
    fdr : float
        In (0, 1).
    n_steps : int, default=1
        Rows that a row is scored with, itself included.

    Raises
    ------
    ArgumentError
        If the model keeps energies of rows only that it was fitted to, or too few for the rate.
    """
    rate, known = check_rate(calibration, fdr), calibration.reference
    p_value = conformal_p_value_of(calibration, energy)
    is_selected = benjamini_hochberg(p_value, rate)
    least = math.ceil(len(energy) / ((known.n_rows + 1) * rate) - _ROUNDING)
    warnings = []
    if len(energy) and not is_selected.any() and least > 1:
        warnings.append(
            f"none of {len(energy)} rows is selected; of {known.n_rows} "
            f"{calibration.reference_are} the smallest p-value is 1 in {known.n_rows + 1}, so "
            f"that at least {least} rows must be stranger than all of them before any is. "
            "Calibrate with more normal rows, look at fewer rows, or allow a higher rate"
        )
    if n_steps > 1 or known.n_effective < known.n_rows:
        why = "windows share rows" if n_steps > 1 else "rows follow each other closely"
        warnings.append(
            f"{why}, so that p-values of neighbours go together: the false discovery rate is not "
            "promised"
        )
    return Selection(is_selected, p_value, least, tuple(warnings))


def check_rate(calibration: Calibration, fdr: object) -> float:
    """Check that anything can ever be selected at a rate.

    Raises
    ------
    ArgumentError
    """
    rate = check_number("fdr", fdr, 0.0, 1.0, above=True)
    if calibration.held_out is None:
        raise ArgumentError(
            "select: this model keeps energies of rows only that it was fitted to, which are "
            "lower than those of new rows; calibrate it with normal rows first."
        )
    n_known = calibration.held_out.n_rows
    if (n_known + 1) * rate < 1.0 - _ROUNDING:
        raise ArgumentError(
            f"select: at a false discovery rate of {rate:g} nothing can ever be selected with "
            f"{n_known} {calibration.reference_are}, of which the smallest p-value is 1 in "
            f"{n_known + 1}; calibrate with at least {math.ceil(1.0 / rate - _ROUNDING) - 1} "
            "normal rows, or allow a higher rate."
        )
    return rate


def benjamini_hochberg(
    p_value: Float[np.ndarray, " n_rows"], fdr: float
) -> Bool[np.ndarray, " n_rows"]:
    """Select the ``k`` smallest p-values, for the largest ``k`` whose k-th is ``fdr k / n``.

    Benjamini and Hochberg, *Controlling the false discovery rate*, 1995.
    """
    n_rows = len(p_value)
    ordered = np.sort(p_value)
    # P-values are fractions, and meet these bounds exactly now and then.
    bounds = (1.0 + _ROUNDING) * fdr * np.arange(1, n_rows + 1) / max(1, n_rows)
    holds = np.flatnonzero(ordered <= bounds)
    if not len(holds):
        return np.zeros(n_rows, bool)
    return np.asarray(p_value <= ordered[holds[-1]])
