"""The strangest rows: which columns, what they held, what was normal and what was expected."""

import math
from dataclasses import dataclass, replace

from dagmm.inference.events import Event
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.explain.events import EventExplainer, Mover
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.pipeline import Features
from dagmm.report.collect import ReportData
from dagmm.report.read_rows import KeptRow

#: Columns that are listed of a row.
_LISTED = 5
#: Shares of the whole below this are not worth a line.
_LEAST_SHARE = 0.02
#: Events whose strangest row is explained, and those whose course is.
_EXPLAINED, _COURSES = 60, 8


@dataclass(frozen=True)
class Reason:
    """One column that makes a row strange.

    Parameters
    ----------
    column : str
    contribution : float
        What it adds to the energy, in nats.
    share : float
        Of all positive contributions of the row, or of what the row is above the threshold where
        that is more.
    value : float, str or None
        What the row holds; None for a hole. With windows, the mean over the window.
    expected : float, str or None
        What would have been normal there, the rest being as it is: ``""`` for no value; None where
        it cannot be said.
    band : tuple of float or None
        1st and 99th percentile of the training rows.
    usual : tuple of str
        Or their most frequent texts.
    """

    column: str
    contribution: float
    share: float
    value: float | str | None
    expected: float | str | None
    band: tuple[float, float] | None
    usual: tuple[str, ...]

    @property
    def side(self) -> str:
        """Where the value lies: ``"hole"``, ``"below"``, ``"above"``, ``"within"`` or ``""``."""
        if self.value is None:
            return "hole"
        if self.band is None or isinstance(self.value, str):
            return ""
        if self.value < self.band[0]:
            return "below"
        return "above" if self.value > self.band[1] else "within"


@dataclass(frozen=True)
class Strange:
    """An event, or a row where there are no events, with its reasons.

    Parameters
    ----------
    event : Event
    reference_energy : float or None
        Of the nearest normal row; None where nothing is explained.
    reasons : tuple of Reason
    n_more : int
        Further columns that add something.
    is_explained : bool
        Whether the nearest normal row is below the threshold; else a few do not explain it.
    is_ordinary : bool
        Whether its energy is not above that of usual rows, so that nothing is to be explained.
    movers : tuple of Mover
        Columns that lead an event, in the order in which they rose.
    """

    event: Event
    reference_energy: float | None = None
    reasons: tuple[Reason, ...] = ()
    n_more: int = 0
    is_explained: bool = True
    is_ordinary: bool = False
    movers: tuple[Mover, ...] = ()

    @property
    def first_reason(self) -> str | None:
        """The column that explains the most; None where a few do not explain the row."""
        return self.reasons[0].column if self.is_explained and self.reasons else None


def strangest_of(data: ReportData) -> tuple[list[Strange], bool]:
    """Return the strangest events, or rows where none is above the threshold.

    Returns
    -------
    found : list of Strange
        The highest energy first.
    are_events : bool
    """
    events = data.events.strangest()[:_EXPLAINED]
    if events:
        return explained(data.model, events, _COURSES), True
    rows = [
        Event(None, row, row, row, 0, row, energy, kept, kept.time, kept.time)
        for row, energy, kept in data.strangest
    ]
    return explained(data.model, rows), False


def blamed(found: list[Strange]) -> list[tuple[str, int]]:
    """Return how often each column is the first reason, the most often first."""
    counts: dict[str, int] = {}
    for one in found:
        name = one.first_reason
        if name is not None:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def explained(model: FittedModel, events: list[Event], courses: int = 0) -> list[Strange]:
    """Say of events of one model why the strangest row of each is strange.

    Parameters
    ----------
    model : FittedModel
    events : list of Event
    courses : int
        Of so many it is said how they began as well.
    """
    found = [Strange(event) for event in events]
    if not events:
        return found
    kept: list[KeptRow] = [event.peak for event in events]
    explainer = Explainer(model)
    of_events, seen = EventExplainer(model, explainer), Features.joined([row.seen for row in kept])
    explanation = explainer.explain(seen)
    bands, usual = _normal(model)
    # What is expected of a window is its mean, and so is what is compared with that.
    means = None if model.windows is None else model.decode(seen)
    ordinary = model.calibration.reference.energy_at(0.5)
    for i, one in enumerate(found):
        added = explanation.contribution[i]
        # Columns that take little away of a large excess are not drawn as the whole of it.
        total = max(float(added[added > 0.0].sum()), one.event.peak_energy - explainer.limit)
        places = [j for j in explanation.strongest(len(added))[i].tolist() if j >= 0]
        listed = [j for j in places[:_LISTED] if added[j] >= _LEAST_SHARE * total]
        reasons = []
        for j in listed:
            name = explanation.columns[j]
            reasons.append(
                Reason(
                    name,
                    float(added[j]),
                    float(added[j]) / total,
                    kept[i].values[name] if means is None else _plain(means[name][i]),
                    _plain(explanation.expected[name][i]),
                    bands.get(name),
                    usual.get(name, ()),
                )
            )
        found[i] = replace(
            one,
            reference_energy=float(explanation.reference_energy[i]),
            reasons=tuple(reasons),
            n_more=len(places) - len(listed),
            is_explained=bool(explanation.is_explained[i]),
            is_ordinary=one.event.peak_energy <= ordinary,
            movers=_movers(of_events, one.event) if i < courses else (),
        )
    return found


def _movers(explainer: EventExplainer, event: Event) -> tuple[Mover, ...]:
    # Of a single row the reasons say all that there is to say.
    if event.n_alarms < 2:
        return ()
    return explainer.movers(event, _LISTED)


def _normal(
    model: FittedModel,
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[str, ...]]]:
    """Return the normal band of each column of numbers, and the usual texts of the others."""
    assert model.calibration is not None, "asked only where usual values are known"
    usual = {text.name: text.categories[:3] for text in model.table_encoder.texts}
    if model.windows is not None:  # what is known is usual of windows, not of their rows
        return {}, usual
    decoded = model.table_encoder.decode(model.calibration.reference_values)
    bands = {
        name: (float(decoded[name][0]), float(decoded[name][-1]))
        for name in model.table_encoder.numbers.names
    }
    return bands, usual


def _plain(value: object) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return "" if math.isnan(number) else number
