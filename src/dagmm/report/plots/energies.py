"""Energies as a histogram and over the rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from dagmm.report.plots.canvas import GUIDE, NORMAL, STRANGE
from dagmm.report.plots.scale import EnergyScale, short_number

_BINS = 48


@dataclass(frozen=True)
class EnergyHistogram:
    """How energies are spread.

    Parameters
    ----------
    scale : EnergyScale
    edges : ndarray of shape (n_bins + 1,)
        Energies, in nats; the threshold is one of them.
    share : ndarray of shape (n_bins,)
        Share of the rows between two edges.
    known_share : ndarray of shape (n_bins,) or None
        The same of the rows that the model knows from its fit.
    threshold : float or None
    """

    scale: EnergyScale
    edges: Float[np.ndarray, " n_edges"]
    share: Float[np.ndarray, " n_bins"]
    known_share: Float[np.ndarray, " n_bins"] | None
    threshold: float | None


def histogram_of(
    energy: Float[np.ndarray, " n_rows"],
    weight: Float[np.ndarray, " n_rows"],
    known: Float[np.ndarray, " n_known"],
    known_weight: Float[np.ndarray, " n_known"],
    threshold: float | None,
) -> EnergyHistogram:
    """Count energies in bins that are even on their scale.

    Parameters
    ----------
    energy : ndarray of shape (n_rows,)
        One or more, in nats.
    weight : ndarray of shape (n_rows,)
        How many rows each stands for.
    known, known_weight : ndarray of shape (n_known,)
        The same of the rows that the model knows; may be empty.
    threshold : float or None
        Becomes an edge, so that each bin lies on one side of it.
    """
    scale = EnergyScale.of(known if len(known) else energy)
    together = np.concatenate([energy, known])
    ends = [together.min(), together.max()]
    if threshold is not None:
        ends = [min(ends[0], threshold), max(ends[1], threshold)]
    low, high = scale.place(np.array(ends))
    high = max(high, low + 1e-6 * (1.0 + abs(low)))
    places = np.linspace(low, high, _BINS + 1)
    if threshold is not None:
        at = scale.place(np.array([threshold]))[0]
        apart = np.abs(places[1:-1] - at) > 0.3 * (high - low) / _BINS
        places = np.unique(np.concatenate([[low, at, high], places[1:-1][apart]]))
    # Above the threshold begins just behind it.
    inner = np.searchsorted(places[1:-1], scale.place(energy), side="left")
    share = np.bincount(inner, weight, len(places) - 1) / weight.sum()
    known_share = None
    if len(known):
        inner = np.searchsorted(places[1:-1], scale.place(known), side="left")
        known_share = np.bincount(inner, known_weight, len(places) - 1) / known_weight.sum()
    edges = scale.energy(places)
    if threshold is not None:
        edges[np.searchsorted(places, at)] = threshold  # exactly, whatever the scale rounded
    return EnergyHistogram(scale, edges, share, known_share, threshold)


def draw_histogram(
    ax: Any,
    histogram: EnergyHistogram,
    energy_label: str = "energy (nats, higher is stranger)",
    share_label: str = "share of rows (%)",
) -> None:
    """Draw a histogram; bins above the threshold in another colour, a line for known rows."""
    places = histogram.scale.place(histogram.edges)
    percent = 100.0 * histogram.share
    limit = np.inf if histogram.threshold is None else histogram.threshold
    middle = histogram.scale.energy(0.5 * (places[1:] + places[:-1]))
    positive = [*percent[percent > 0.0]]
    if histogram.known_share is not None:
        known = 100.0 * histogram.known_share
        positive += [*known[known > 0.0]]
    floor = 0.5 * min(positive)
    for kind, colour in ((middle <= limit, NORMAL), (middle > limit, STRANGE)):
        height = np.where(kind, np.maximum(percent, floor), floor)
        ax.stairs(height, places, baseline=floor, fill=True, color=colour, linewidth=0)
    if histogram.known_share is not None:
        ax.stairs(np.maximum(known, floor), places, baseline=None, color=GUIDE, linewidth=1.2)
    if histogram.threshold is not None:
        at = histogram.scale.place(np.array([histogram.threshold]))[0]
        ax.axvline(at, color=STRANGE, linestyle="--", linewidth=1.2)
    ax.set_yscale("log")
    top = max(positive)
    ax.set(ylim=(floor, 1.6 * top), xlabel=energy_label, ylabel=share_label)
    ax.yaxis.set_major_formatter(lambda value, _: short_number(value))
    ax.minorticks_off()
    energy_ticks(ax.xaxis, histogram.scale, histogram.edges[0], histogram.edges[-1])
    ax.margins(x=0.01)
    ax.spines[["top", "right"]].set_visible(False)


@dataclass(frozen=True)
class EnergySeries:
    """Energies over the rows, or over time; of many rows the lowest and highest of equal runs.

    Parameters
    ----------
    at : ndarray of shape (n_points,)
        Row numbers, or times.
    low, high : ndarray of shape (n_points,)
        Lowest and highest energy, in nats.
    threshold : float or None
    rows_per_point : int
    """

    at: np.ndarray
    low: Float[np.ndarray, " n_points"]
    high: Float[np.ndarray, " n_points"]
    threshold: float | None
    rows_per_point: int = 1

    @property
    def strange(self) -> Bool[np.ndarray, " n_points"]:
        """Points with an energy above the threshold."""
        limit = np.inf if self.threshold is None else self.threshold
        return self.high > limit


def draw_series(
    ax: Any,
    series: EnergySeries,
    scale: EnergyScale,
    row_label: str = "row",
    energy_label: str = "energy (nats)",
) -> None:
    """Draw energies over rows or time; what is above the threshold in another colour."""
    low, high = scale.place(series.low), scale.place(series.high)
    ends = [float(np.nanmin(series.low)), float(np.nanmax(series.high))]
    if series.threshold is not None:
        ends = [min(ends[0], series.threshold), max(ends[1], series.threshold)]
        at = scale.place(np.array([series.threshold]))[0]
        ax.axhline(at, color=STRANGE, linestyle="--", linewidth=1.2)
    if series.rows_per_point > 1:
        ax.fill_between(series.at, low, high, color=NORMAL, alpha=0.35, linewidth=0)
    ax.plot(series.at, high, color=NORMAL, linewidth=0.7)
    strange = series.strange
    ax.plot(
        series.at[strange], high[strange], linestyle="", marker=".", markersize=4, color=STRANGE
    )
    energy_ticks(ax.yaxis, scale, ends[0], ends[1], most=6)
    ax.set(xlabel=row_label, ylabel=energy_label)
    ax.margins(x=0.01)
    ax.spines[["top", "right"]].set_visible(False)


def energy_ticks(axis: Any, scale: EnergyScale, low: float, high: float, most: int = 8) -> None:
    """Write round energies on an axis."""
    ticks = scale.ticks(low, high, most)
    axis.set_ticks(scale.place(np.array(ticks)), [short_number(tick) for tick in ticks])
