"""What a comparison found: figures for each method, and the table that shows them."""

import io
import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.html import html_table
from dagmm._core.visible import visible_line
from dagmm.data.files.write import open_sink, write_text
from dagmm.evaluation.metrics import mean_over

#: Figures that each run has, and the headings of their columns.
PER_RUN = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "f1": "F1",
    "fit_seconds": "fit s",
    "score_seconds": "score s",
}
QUALITY = ("auroc", "average_precision", "f1")
#: Figures that only all runs, or all methods, have together.
PER_METHOD = {"stability": "stability", "agreement": "agreement", "overlap": "top overlap"}


@dataclass(frozen=True)
class MethodResult:
    """What one method did.

    Parameters
    ----------
    name, title, source : str
        See :class:`dagmm.evaluation.baselines.method.Method`.
    runs : tuple of dict
        One for each run: ``auroc``, ``average_precision``, ``f1`` (None without labels of both
        kinds), ``fit_seconds``, ``score_seconds``.
    strangeness : ndarray of shape (n_runs, n_test) or None
        Of the test rows, higher is stranger; None where the method failed.
    stability : float or None
        Mean rank correlation of the test rows between runs.
    agreement : float or None
        Mean rank correlation of the test rows with those of the other methods.
    overlap : float or None
        Mean share of the strangest rows that the other methods find strangest too.
    error : str or None
        Why the method failed, where it did.
    warnings : tuple of str
        What it warned of, each once.
    """

    name: str
    title: str
    source: str
    runs: tuple[dict[str, float | None], ...] = ()
    strangeness: np.ndarray | None = None
    stability: float | None = None
    agreement: float | None = None
    overlap: float | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()

    def values(self, figure: str) -> list[float]:
        """Return a figure of each run that has it."""
        found = (run[figure] for run in self.runs)
        return [value for value in found if value is not None]

    def mean(self, figure: str) -> float | None:
        """Return the mean of a figure over the runs, or a figure of the method."""
        if figure in PER_METHOD:
            value: float | None = getattr(self, figure)
            return value
        return mean_over(self.values(figure))

    def plain(self) -> dict[str, Any]:
        """Return everything but the rows as plain data."""
        return {
            "method": self.name,
            "title": self.title,
            "source": self.source,
            **{figure: self.mean(figure) for figure in (*PER_RUN, *PER_METHOD)},
            "runs": list(self.runs),
            "error": self.error,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Comparison:
    """Several methods on the same split of a table.

    Printed, it is a table; in a notebook and by ``rich`` too. Figures are means over the runs;
    AUROC, average precision and F1 are followed by their standard deviation.

    Parameters
    ----------
    methods : tuple of MethodResult
        In the order they were asked for.
    protocol : dict
        Numbers of rows and columns, seed, what was learnt from.
    notes : tuple of str
        What a reader has to know, in sentences.
    rank_correlation, top_overlap : dict of str to dict of str to float
        Between each two methods that did not fail.
    test : ndarray of shape (n_test,), int
        Numbers of the test rows in the table.

    Examples
    --------
    >>> import numpy as np
    >>> import dagmm
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[::20] += 6.0
    >>> result = dagmm.compare(x, np.arange(200) % 20 == 0, ["mahalanobis", "knn"])
    >>> result.to_table().column_names[:2]
    ['method', 'title']
    """

    methods: tuple[MethodResult, ...]
    protocol: dict[str, Any]
    notes: tuple[str, ...]
    rank_correlation: dict[str, dict[str, float]]
    top_overlap: dict[str, dict[str, float]]
    test: np.ndarray

    def __getitem__(self, name: str) -> MethodResult:
        return next(method for method in self.methods if method.name == name)

    @property
    def has_quality(self) -> bool:
        """Whether labels of both kinds said how good the methods are."""
        return any(method.values("auroc") for method in self.methods)

    def ranked(self) -> tuple[MethodResult, ...]:
        """Methods, the best AUROC first where there are labels; those that failed come last."""

        def place(method: MethodResult) -> tuple[bool, float]:
            return method.error is not None, -(method.mean("auroc") or 0.0)

        return tuple(sorted(self.methods, key=place))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the rows' strangeness as plain data, ready for JSON."""
        return {
            "protocol": self.protocol,
            "notes": list(self.notes),
            "methods": [method.plain() for method in self.methods],
            "rank_correlation": self.rank_correlation,
            "top_overlap": self.top_overlap,
        }

    def to_table(self) -> pa.Table:
        """One row for each method, the best first.

        ``.to_pandas()`` makes it a pandas DataFrame, ``polars.from_arrow`` a polars one.

        Returns
        -------
        pyarrow.Table
            ``method``, ``title``, the mean of each figure, ``*_sd`` (standard deviation over
            runs) of those of single runs, ``error``.
        """
        methods = self.ranked()
        columns: dict[str, Any] = {
            "method": pa.array([method.name for method in methods]),
            "title": pa.array([method.title for method in methods]),
        }
        for figure in (*PER_RUN, *PER_METHOD):
            columns[figure] = pa.array([m.mean(figure) for m in methods], pa.float64())
            if figure in PER_RUN:
                spread = [_spread(method.values(figure)) for method in methods]
                columns[f"{figure}_sd"] = pa.array(spread, pa.float64())
        columns["error"] = pa.array([method.error for method in methods], pa.string())
        return pa.table(columns)

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the comparison to a file that appears whole.

        Parameters
        ----------
        path : path-like
            ``.json`` for everything, ``.parquet`` or anything else (CSV) for the table alone.
        force : bool, default=False
            Whether a file that exists may be replaced.

        Raises
        ------
        ArgumentError
            If the file exists and ``force`` is not set, or its directory does not exist.
        OSError
            If it cannot be written.
        """
        target = os.fspath(path)
        if target.endswith(".json"):
            text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
            write_text(target, text + "\n", force=force)
            return
        table = self.to_table()
        with open_sink(target, table.schema, force=force) as sink:
            sink.write(table)

    def __rich__(self) -> Any:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        headings, rows = self._shown()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column(headings[0], no_wrap=True)
        for heading in headings[1:]:
            table.add_column(heading, justify="right")
        for title, *cells in rows:
            table.add_row(Text(visible_line(title)), *cells)
        # As Text, nothing in square brackets is taken for a style.
        return Group(table, "", *(Text(f"- {visible_line(note)}") for note in self.notes))

    def _repr_html_(self) -> str:
        headings, rows = self._shown()
        return html_table(headings, rows, self.notes)

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        """Headings, and the cells of each method."""
        figures = [
            *(QUALITY if self.has_quality else ()),
            *PER_METHOD,
            *("fit_seconds", "score_seconds"),
        ]
        headings = PER_RUN | PER_METHOD
        rows = []
        for method in self.ranked():
            cells = [_cell(method, figure) for figure in figures]
            rows.append([method.title, *(["failed"] if method.error else cells)])
        return ["method", *(headings[figure] for figure in figures)], rows

    def __str__(self) -> str:
        from rich.console import Console

        out = io.StringIO()
        Console(file=out, width=160, no_color=True, highlight=False).print(self)
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _cell(method: MethodResult, figure: str) -> str:
    mean = method.mean(figure)
    if mean is None:
        return "-"
    if figure not in QUALITY:
        return f"{mean:.2f}"
    spread = _spread(method.values(figure))
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def _spread(values: list[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
