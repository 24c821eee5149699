"""Where each method draws the line on plane shapes, as one picture.

    python examples/boundaries.py --out boundaries.png
    python examples/boundaries.py --methods dagmm,mahalanobis,knn --out few.svg

Needs the ``report`` extra. The format is that of the suffix.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.preprocessing import StandardScaler

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import MissingExtraError
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.compare import chosen_methods
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.calibration.threshold_rules import threshold_of
from toy_shapes import LIMIT, SHAPES, STREWN, shape_with_strewn

#: Colours of rows on the normal side of the line and beyond it (Okabe and Ito).
NORMAL, STRANGE = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Panel:
    """What one method makes of one shape.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, 2)
        What it learnt from.
    beyond : ndarray of shape (n_rows,), bool
        Which of them are beyond the line.
    field : ndarray of shape (n_grid, n_grid)
        Share of the rows that are less strange than each point of the plane.
    line : float
        The value of ``field`` at which the line is drawn.
    seconds : float
        Of fitting and scoring.
    """

    rows: Float[np.ndarray, "n_rows 2"]
    beyond: Bool[np.ndarray, " n_rows"]
    field: Float[np.ndarray, "n_grid n_grid"]
    line: float
    seconds: float


def panel_of(method: Method, shape: str, seed: int, n_grid: int) -> Panel:
    """Fit a method to a shape and score a grid of points.

    Parameters
    ----------
    method : Method
    shape : str
        One of :data:`toy_shapes.SHAPES`.
    seed : int
    n_grid : int
        Points along each axis.
    """
    rows = shape_with_strewn(shape, seed)
    axis = np.linspace(-LIMIT, LIMIT, n_grid)
    points = np.stack([part.ravel() for part in np.meshgrid(axis, axis)], axis=1)
    scaler = StandardScaler().fit(rows)
    began = time.perf_counter()
    score = method.fit(scaler.transform(rows), seed)
    strangeness, field = score(scaler.transform(rows)), score(scaler.transform(points))
    seconds = time.perf_counter() - began
    threshold = threshold_of(strangeness, STREWN)
    # Scales differ from method to method; ranks among the rows do not.
    ordered = np.sort(strangeness)
    share = _share_below(ordered, field)
    return Panel(
        rows,
        is_anomaly(strangeness, threshold),
        share.reshape(n_grid, n_grid),
        float(_share_below(ordered, np.array([threshold]))[0]),
        seconds,
    )


def draw_boundaries(
    methods: str | Sequence[str | Method] | None = None,
    shapes: Sequence[str] | None = None,
    *,
    seed: int = 0,
    n_grid: int = 120,
) -> Any:
    """Draw where each method draws the line on each shape, as scikit-learn's gallery does.

    Every method is told that 15 % of the rows are strewn over the plane. Colour is the share of
    the rows that are less strange than a point; the line has 15 % of the rows beyond it.

    Parameters
    ----------
    methods : sequence of str or Method, or "all", optional
        As in :func:`dagmm.compare`.
    shapes : sequence of str, optional
        Some of :data:`toy_shapes.SHAPES`; all by default.
    seed : int, default=0
    n_grid : int, default=120
        Points along each axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ArgumentError
        If a method or a shape is not known.
    MissingExtraError
        Without matplotlib.
    """
    chosen = chosen_methods(methods)
    names = list(SHAPES) if shapes is None else list(shapes)
    for name in names:
        check_choice("shapes", name, tuple(SHAPES))
    check_int("n_grid", n_grid, 2)
    figure, axes = _figure(len(names), len(chosen))
    for i, name in enumerate(names):
        for j, method in enumerate(chosen):
            _draw(axes[i][j], panel_of(method, name, seed, n_grid))
            if i == 0:
                axes[i][j].set_title(method.title, fontsize=9)
        axes[i][0].set_ylabel(name, fontsize=9)
    return figure


def _figure(n_rows: int, n_columns: int) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "draw_boundaries needs the 'report' extra: pip install \"dagmm[report]\"."
        ) from error
    figure = Figure(figsize=(1.6 * n_columns + 0.4, 1.6 * n_rows + 0.4), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _draw(axis: Any, panel: Panel) -> None:
    extent = (-LIMIT, LIMIT, -LIMIT, LIMIT)
    axis.imshow(
        panel.field, origin="lower", extent=extent, cmap="Greys", vmin=0.0, vmax=1.6, zorder=0
    )
    grid = np.linspace(-LIMIT, LIMIT, len(panel.field))
    axis.contour(grid, grid, panel.field, levels=[panel.line], colors="black", linewidths=1.0)
    colours = np.where(panel.beyond, STRANGE, NORMAL)
    axis.scatter(*panel.rows.T, s=3, c=colours, linewidths=0, zorder=3)
    axis.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:])
    text = f"{panel.seconds:.1f} s" if panel.seconds >= 0.05 else "<0.1 s"
    box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1}
    axis.text(0.98, 0.03, text, transform=axis.transAxes, ha="right", fontsize=7, bbox=box)


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(ordered, values, side="left") / len(ordered)


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="file of the picture")
    parser.add_argument("--methods", help="names separated by commas, or all")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="some of %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    methods = arguments.methods
    if methods not in (None, "all"):
        methods = methods.split(",")
    figure = draw_boundaries(methods, arguments.shapes.split(","), seed=arguments.seed)
    figure.savefig(arguments.out, dpi=150)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
