"""Why an event happened: the columns that lead it, and when each of them first rose.

The strangest row of an event shows what a fault has become; its first rows show where it began.
Two things are known of each column in these rows. What it adds to the energy
(:mod:`dagmm.inference.explain.attribution`) tells relations that broke, but of columns that move
together none can be replaced alone, so that none is blamed. How far it lies beyond its own normal
values tells these, but no broken relation. Columns are ranked by the mean of both shares.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm.inference.events import CourseRows, Event
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.reference_values import features_of_columns

#: Columns of a lower share do not lead; within so many deviations beyond its normal values a
#: column has not moved.
_LEAST_SHARE, _CLEARLY = 0.02, 0.5
#: Share of its most from which on a column has risen.
_RISEN = 0.1


class Mover(NamedTuple):
    """A column that leads an event.

    Parameters
    ----------
    column : str
    share : float
        In [0, 1]: mean of its shares of what columns add to the energy and of how far they lie
        beyond their normal values, in the first rows of the event.
    contribution : float
        What it adds to the energies of these rows, on the mean, in nats.
    beyond : float
        How far it comes to lie beyond the 1st or the 99th percentile of the training rows, in
        training deviations; 0 where it stays within.
    row : int
        Number of the row in which it first rose: where the rows begin, from 8 before the first
        alarm on, in which it has a tenth of what it has most of, of energy or of distance,
        whichever it leads by; no two rows that have less lie between.
    time : float
        Of that row; NaN where there is no time axis.
    """

    column: str
    share: float
    contribution: float
    beyond: float
    row: int
    time: float


class EventExplainer:
    """Names the columns that lead events.

    Parameters
    ----------
    model : FittedModel
    explainer : Explainer, optional
        Of that model.

    Raises
    ------
    ArgumentError
        If the model was fitted on images.
    """

    def __init__(self, model: FittedModel, explainer: Explainer | None = None) -> None:
        self._explainer = explainer or Explainer(model)
        encoder, windows = model.table_encoder, model.windows
        row = InputPart(0, encoder.n_features) if windows is None else windows.view.newest_row
        self._row, known = row, row(model.calibration.reference_values)
        # Of numbers the first and the last level; of a text whatever its frequent ones have.
        self._low, self._high = known.min(axis=0), known.max(axis=0)
        groups = features_of_columns(encoder.feature_columns)
        self._features = [groups[name] for name in encoder.columns]

    def movers(self, event: Event, most: int) -> tuple[Mover, ...]:
        """Return the columns that lead an event, in the order in which they rose.

        Parameters
        ----------
        event : Event
        most : int
            Columns to name, at most: those of the highest shares.
        """
        whole = CourseRows.joined(event.course)
        last = int(whole.place[whole.row <= event.last_row].max())
        course = whole.between(0, last + 1)
        explanation = self._explainer.explain(course.seen)
        added = np.maximum(explanation.contribution, 0.0)
        beyond = self._beyond(course)
        first = course.place >= event.place
        blame, move = (_shares(one)[first].mean(axis=0) for one in (added, beyond))
        mean = 0.5 * (blame + move)
        leading = [
            j for j in np.argsort(-mean, kind="stable")[:most].tolist() if mean[j] >= _LEAST_SHARE
        ]
        found = []
        for j in leading:
            rose = _rise_of((added if blame[j] >= move[j] else beyond)[:, j])
            found.append(
                Mover(
                    explanation.columns[j],
                    float(mean[j]),
                    float(added[first, j].mean()),
                    float(beyond[first, j].max()),
                    int(course.row[rose]),
                    float(course.time[rose]),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.row, -one.share)))

    def _beyond(self, course: CourseRows) -> Float[np.ndarray, "n_rows n_columns"]:
        """How far each column of each row lies beyond its normal values, if clearly so."""
        row = self._row(course.seen.inputs).astype(np.float64)
        beyond = np.maximum(np.maximum(row - self._high, self._low - row), 0.0)
        beyond[beyond < _CLEARLY] = 0.0
        return np.stack([beyond[:, part].max(axis=1) for part in self._features], axis=1)


def _shares(
    values: Float[np.ndarray, "n_rows n_columns"],
) -> Float[np.ndarray, "n_rows n_columns"]:
    """Return what share each column has of a row's sum; nothing of a row without any."""
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0.0)


def _rise_of(values: Float[np.ndarray, " n_rows"]) -> int:
    """Go back from the highest value as long as one of the two before it is a tenth of that."""
    first = int(np.argmax(values))
    for i in range(first - 1, -1, -1):
        if values[i] >= _RISEN * values.max():
            first = i
        elif first - i >= 2:
            break
    return first
