"""The report's figures."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dagmm.inference.calibration.alarm_budget import PERIODS
from dagmm.report.contents import Contents, Trace
from dagmm.report.plots.canvas import BAND, CURVES, NORMAL, STRANGE
from dagmm.report.plots.energies import draw_histogram, draw_series, energy_ticks
from dagmm.report.plots.latent import draw_latent
from dagmm.report.plots.scale import short_number
from dagmm.report.svg import svg_of
from dagmm.report.time_axis import date_ticks
from dagmm.report.training import TERMS

#: Width of a figure that fills the page, in inches.
_WIDE = 7.2
#: Alarms are counted by the week where the step from row to row is known.
_PERIOD = "week"


class Figures:
    """Draws the figures of a report.

    Parameters
    ----------
    contents : Contents
    text : callable
        Takes a key and returns the text in the language of the page.
    """

    def __init__(self, contents: Contents, text: Callable[[str], str]) -> None:
        self._contents = contents
        self._text = text

    def energy_series(self) -> str:
        """Draw energies over rows or time."""

        def draw(ax: Any) -> None:
            series = self._contents.series
            draw_series(
                ax, series, self._contents.scale, self._row_label, self._text("axis_energy")
            )
            self._over_rows(ax)

        return svg_of("series", self._text("figure_series"), (_WIDE, 2.5), draw)

    def histogram(self) -> str:
        """Draw how energies are spread."""

        def draw(ax: Any) -> None:
            draw_histogram(
                ax, self._contents.histogram, self._text("axis_energy"), self._text("axis_share")
            )

        return svg_of("histogram", self._text("figure_histogram"), (_WIDE, 2.6), draw)

    def budget(self) -> str:
        """Draw expected alarms against the threshold."""
        budget, expected = self._contents.budget, self._contents.expected
        assert budget is not None, "asked only where normal rows are known"
        step = None if expected is None else expected.step
        factor = 100.0 if step is None else PERIODS[_PERIOD] / step
        label = "axis_budget_share" if step is None else "axis_budget_week"

        def draw(ax: Any) -> None:
            share, low, high = (factor * part for part in (budget.share, budget.low, budget.high))
            floor = 0.3 * float(share[share > 0.0].min())
            place = budget.scale.place(budget.energy)
            ax.fill_between(
                place, np.maximum(low, floor), high, color=BAND, alpha=0.3, linewidth=0
            )
            ax.plot(place, share, color=NORMAL, linewidth=1.4)
            if self._contents.threshold is not None:
                at = np.array([float(str(self._contents.threshold["energy"]))])
                ax.axvline(budget.scale.place(at)[0], color=STRANGE, linestyle="--", linewidth=1.2)
            ax.set_yscale("log")
            ax.set_ylim(floor, 2.0 * float(high.max()))
            ax.minorticks_off()
            ax.yaxis.set_major_formatter(lambda value, _: short_number(value))
            energy_ticks(ax.xaxis, budget.scale, budget.energy[0], budget.energy[-1])
            ax.set(xlabel=self._text("axis_threshold"), ylabel=self._text(label))
            ax.margins(x=0.01)
            ax.spines[["top", "right"]].set_visible(False)

        return svg_of("budget", self._text("figure_budget"), (_WIDE, 2.6), draw)

    def latent(self) -> str:
        """Draw the code space with the mixture's ellipses."""

        def draw(ax: Any) -> None:
            labels = self._text("axis_code"), self._text("axis_residual")
            draw_latent(ax, self._contents.latent, *labels)

        return svg_of("latent", self._text("figure_latent"), (6.0, 4.4), draw)

    def training(self) -> str:
        """Draw terms of the loss over the epochs."""

        def draw(ax: Any) -> None:
            twin = ax.twinx()
            for axes, term, colour in zip((ax, twin), TERMS, CURVES, strict=False):
                for member in self._contents.training.members:
                    values = np.array(member.curves[term], np.float64)
                    epoch = np.arange(1, len(values) + 1)
                    axes.plot(epoch, values, color=colour, linewidth=1.0, alpha=0.8)
                axes.set_ylabel(self._text(f"axis_{term}"), color=colour)
                axes.spines["top"].set_visible(False)
            ax.set_xlabel(self._text("axis_epoch"))
            ax.locator_params(axis="x", integer=True)

        return svg_of("training", self._text("figure_training"), (_WIDE, 2.4), draw)

    def trace(self, i: int) -> str:
        """Draw the course of one column, with its normal band."""
        trace = self._contents.traces[i]

        def draw(ax: Any) -> None:
            if trace.column.band is not None:
                ax.axhspan(*trace.column.band, color=BAND, alpha=0.22, linewidth=0)
            ax.fill_between(trace.at, trace.low, trace.high, color=NORMAL, alpha=0.4, linewidth=0)
            ax.plot(trace.at, trace.high, color=NORMAL, linewidth=0.7)
            self._mark(ax, trace)
            ax.yaxis.set_major_formatter(lambda value, _: short_number(float(f"{value:.6g}")))
            ax.locator_params(axis="y", nbins=4)
            ax.margins(x=0.01)
            ax.spines[["top", "right"]].set_visible(False)
            self._over_rows(ax)

        return svg_of(f"trace{i}", trace.column.name, (_WIDE, 1.35), draw)

    def _mark(self, ax: Any, trace: Trace) -> None:
        """Mark where this column is the first reason of an event."""
        for one in self._contents.strangest:
            if one.first_reason == trace.column.name:
                event = one.event
                ends: tuple[float, float] = (event.first_row, event.last_row)
                if self._contents.uses_time:
                    ends = (event.first_time, event.last_time)
                # A short event still shows.
                middle, half = sum(ends) / 2.0, (ends[1] - ends[0]) / 2.0
                half = max(half, 0.002 * (trace.at[-1] - trace.at[0]))
                ax.axvspan(middle - half, middle + half, color=STRANGE, alpha=0.3, linewidth=0)

    @property
    def _row_label(self) -> str:
        return "" if self._contents.uses_time else self._text("axis_row")

    def _over_rows(self, ax: Any) -> None:
        """Write dates where the axis is a time."""
        timing = self._contents.timing
        if not self._contents.uses_time or timing is None or not timing.are_dates:
            ax.xaxis.set_major_formatter(lambda value, _: short_number(round(value, 6)))
            return
        ticks, names, below = date_ticks(ax.get_xlim()[0], ax.get_xlim()[1])
        ax.set_xticks(ticks, names)
        ax.set_xlabel(below)
