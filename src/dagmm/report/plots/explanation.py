"""Contributions of one row as bars."""

from typing import Any

import numpy as np

from dagmm.inference.explain.attribution import Explanation
from dagmm.report.plots.canvas import GUIDE, STRANGE

#: A single bar is not as high as the figure.
_LEAST_PLACES = 4
_NOTHING = "no value"


def draw_explanation(ax: Any, explanation: Explanation, row: int, n_columns: int) -> None:
    """Draw what each column adds to a row's energy, the most on top.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    explanation : Explanation
    row : int
        Which of its rows.
    n_columns : int
        Most columns to draw.
    """
    places = explanation.strongest(n_columns)[row]
    places = places[places >= 0]
    added = explanation.contribution[row, places]
    ax.barh(np.arange(len(places)), added, color=STRANGE, height=0.7)
    for i, place in enumerate(places):
        name = explanation.columns[place]
        expected = explanation.expected[name][row]
        ax.annotate(
            f"expected {_short(expected)}",
            (added[i], i),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=GUIDE,
        )
    if not len(places):
        said = "no column makes this row strange"
        ax.text(0.5, 0.5, said, transform=ax.transAxes, ha="center", va="center", color=GUIDE)
        ax.set_xticks([])
    ax.set_yticks(np.arange(len(places)), [explanation.columns[place] for place in places])
    ax.set_ylim(max(len(places), _LEAST_PLACES) - 0.5, -0.5)
    ax.margins(x=0.25)
    ax.set_xlim(left=0.0)
    energy, reference = explanation.energy[row], explanation.reference_energy[row]
    ax.set(
        xlabel="contribution (nats)",
        title=f"energy {energy:.4g}, nearest normal row {reference:.4g}"
        if explanation.is_explained[row]
        else f"energy {energy:.4g}\nnot explained by a few columns (still {reference:.4g})",
    )
    ax.spines[["top", "right"]].set_visible(False)


def _short(value: object) -> str:
    if value is None:
        return "another value"
    if isinstance(value, str):
        return value or _NOTHING
    return _NOTHING if np.isnan(value) else f"{value:.4g}"  # type: ignore[call-overload]
