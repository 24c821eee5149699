"""Rows to check a graph with: ordinary and strange ones, with holes, far and unknown values."""

from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.inference.fitted_model import FittedModel

#: Rows of a check, and the share of them that is of each kind.
N_ROWS = 512
_MIXED, _WITH_HOLES, _FAR, _UNKNOWN = 0.5, 0.4, 0.1, 0.1
#: Share of the cells that are missing in a row with holes.
_HOLES = 0.3
#: Deviations by which numbers move about their usual values, and powers of ten of far ones.
_DEVIATION, _POWERS = 0.2, (1.0, 8.0)
#: Seconds since 1970 between which dates lie.
_DATES = (0, 2**31)


def check_rows(model: FittedModel) -> pa.Table:
    """Return rows that a model can score, made of the values that it knows to be usual.

    The same for the same model. The first lacks all values.
    """
    rng, encoder = np.random.default_rng(0), model.table_encoder
    numbers = _numbers(model, rng)
    is_hole = rng.random((N_ROWS, len(encoder.columns))) < _HOLES
    is_hole &= rng.random((N_ROWS, 1)) < _WITH_HOLES
    is_hole[0] = True
    texts = {text.name: text.categories for text in encoder.texts}
    dates = {date.name for date in encoder.dates}
    columns: dict[str, Any] = {}
    for name, hole in zip(encoder.columns, is_hole.T, strict=True):
        if name in texts:
            columns[name] = pa.array(_texts(texts[name], rng), pa.string(), mask=hole)
        elif name in dates:
            seconds = rng.integers(*_DATES, N_ROWS)
            columns[name] = pa.array(seconds, pa.timestamp("s"), mask=hole)
        else:
            columns[name] = pa.array(np.where(hole, np.nan, numbers[name]), pa.float64())
    return pa.table(columns)


def _numbers(model: FittedModel, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values of columns of numbers: about usual ones, which a row has of one level or of many."""
    encoder, usual = model.table_encoder, model.calibration.reference_values
    n_numbers = encoder.numbers.n_features
    shape = (N_ROWS, n_numbers)
    level = np.broadcast_to(rng.integers(len(usual), size=(N_ROWS, 1)), shape)
    mixed = rng.random((N_ROWS, 1)) < _MIXED
    level = np.where(mixed, rng.integers(len(usual), size=shape), level)
    features = usual[level, np.arange(n_numbers)] + _DEVIATION * rng.normal(size=shape)
    far = rng.random(shape) < _FAR / max(1, n_numbers)
    sign, power = rng.choice((-1.0, 1.0), shape), rng.uniform(*_POWERS, shape)
    features = np.where(far, sign * 10.0**power, features)
    values = encoder.numbers.decode(features)
    limit = np.finfo(np.float64).max
    values = np.clip(values, -limit, limit)
    return dict(zip(encoder.numbers.names, values.T, strict=True))


def _texts(categories: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    unknown = "".join((*categories, "?"))  # none of them can be as long
    known = rng.choice(np.array([*categories, unknown], object), N_ROWS)
    return np.where(rng.random(N_ROWS) < _UNKNOWN, unknown, known)
