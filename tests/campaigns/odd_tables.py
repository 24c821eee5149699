"""Odd tables: finite energies that depend on the row alone, or an error of ours that says why."""

import datetime
import decimal
import fractions
import string
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from campaigns.campaign import Campaign, is_ours
from campaigns.tiny import check_energies, detector, tiny_fits

#: What an energy may differ by where rows are scored together: products of matrices of another
#: shape are rounded in another way, and squared distances are differences of large numbers.
ROUNDING = 1e-8
SIZES = (1, 2, 3, 17, 40, 40, 40, 40)
WORDS = [
    "u",
    "v",
    "",
    " ",
    "\u00fc",
    "\u6e29\u5ea6",
    "NA",
    "nan",
    "inf",
    "-",
    "a,b",
    "\n",
    "\x00",
    "\x1b[31m",
]
NUMBER_TEXTS = [
    "1",
    "2.5",
    "-3",
    "1,234",
    "1,5",
    "1e400",
    "0x1f",
    "007",
    "12 \u2103",
    "5%",
    "\uff11\uff12",
]
DATE_TEXTS = [
    "2020-01-02",
    "01/02/2020",
    "2020\u5e743\u67081\u65e5",
    "20200301154406",
    "0001-01-01",
    "2020-13-45",
]
DAY = datetime.datetime(2020, 1, 1)


class _Own:
    def __str__(self):
        return "own"


def _pick(values):
    return lambda rng, n: [values[i] for i in rng.integers(0, len(values), n)]


def _scaled(low, high):
    return lambda rng, n: list(rng.normal(size=n) * 10.0 ** rng.uniform(low, high, n))


def _days(rng, n):
    return [DAY + datetime.timedelta(hours=int(h)) for h in rng.integers(0, 20_000, n)]


#: Columns as lists of Python values.
VALUES = {
    "normal": lambda rng, n: list(rng.normal(size=n)),
    "constant": lambda rng, n: [float(rng.normal())] * n,
    "wide range": _scaled(-300, 300),
    "huge": _scaled(300, 307),
    "tiny": _scaled(-320, -300),
    "edges": _pick([1.7e308, -1.7e308, 5e-324, 0.0, -0.0, 1.0]),
    "with infinity": _pick([1.0, 2.0, float("inf")]),
    "outlier": lambda rng, n: [1e300, *rng.normal(size=n - 1)],
    "small ints": lambda rng, n: [int(i) for i in rng.integers(0, 4, n)],
    "counter": lambda rng, n: list(range(n)),
    "beyond 2^53": lambda rng, n: [2**53 + int(i) for i in rng.integers(0, 99, n)],
    "beyond 2^64": lambda rng, n: [2**64 + int(i) for i in rng.integers(0, 99, n)],
    "beyond floats": _pick([10**400, 1, -(10**400)]),
    "mixed ints and floats": _pick([1, 2.5, 2**60, -7]),
    "booleans": _pick([True, False]),
    "booleans and ints": _pick([True, 2, 0]),
    "decimals": _pick([decimal.Decimal("1.5"), decimal.Decimal("1e40"), decimal.Decimal(7)]),
    "decimal nan": _pick([decimal.Decimal("NaN"), decimal.Decimal(7), decimal.Decimal(3)]),
    "fractions": _pick([fractions.Fraction(1, 3), fractions.Fraction(5, 2)]),
    "complex": _pick([1j, 2.0]),
    "words": _pick(WORDS),
    "number texts": _pick(NUMBER_TEXTS),
    "date texts": _pick(DATE_TEXTS),
    "any texts": _pick([*WORDS, *NUMBER_TEXTS, *DATE_TEXTS]),
    "serials": lambda rng, n: [f"p{i}" for i in rng.permutation(n)],
    "long texts": lambda rng, n: ["x" * int(i) for i in rng.integers(0, 20_000, n)],
    "surrogates": _pick(["a\ud800", "\udfff", "b"]),
    "printable": lambda rng, n: ["".join(rng.choice([*string.printable], 5)) for _ in range(n)],
    "dates": _days,
    "far dates": _pick([datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31), DAY]),
    "zoned dates": _pick([DAY.replace(tzinfo=datetime.UTC), DAY]),
    "days": _pick([datetime.date(2020, 1, 1), datetime.date(2021, 2, 3)]),
    "days and dates": _pick([datetime.date(2020, 1, 1), DAY]),
    "times": _pick([datetime.time(3), datetime.time(4, 5)]),
    "durations": _pick([datetime.timedelta(1), datetime.timedelta(seconds=3)]),
    "endless durations": _pick([datetime.timedelta(999_999_999), datetime.timedelta(1)]),
    "text and numbers": _pick([1, "x", 2.5, "7"]),
    "text and dates": _pick([DAY, "x", "2020-01-01"]),
    "everything": _pick([1, "x", 2.5, True, DAY, datetime.time(3), None, decimal.Decimal(2)]),
    "uuids": _pick([uuid.UUID(int=1), uuid.UUID(int=2)]),
    "own class": lambda rng, n: [_Own() for _ in range(n)],
    "plain objects": lambda rng, n: [object() for _ in range(n)],
    "lists": _pick([[1], [2, 3]]),
    "dicts": _pick([{"a": 1}, {"b": 2}]),
    "bytes": _pick([b"a", b"\xff"]),
    "text and lists": _pick(["x", [1]]),
    "nothing": lambda rng, n: [None] * n,
    "nothing but nan": lambda rng, n: [float("nan")] * n,
}
HOLES = (0.0, 0.0, 0.0, 0.2, 0.95)
PANDAS_TYPES = (
    None,
    object,
    "Int64",
    "Float64",
    "boolean",
    "string",
    "category",
    "float32",
    "float16",
    "uint64",
    "int8",
    "Sparse[float]",
    "datetime64[s]",
    "timedelta64[ns]",
    "period[D]",
)
ARROW_TYPES = (
    None,
    pa.float16(),
    pa.uint64(),
    pa.decimal128(38, 3),
    pa.decimal256(50, 3),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.timestamp("ns", "Asia/Tokyo"),
    pa.date64(),
    pa.duration("ms"),
    pa.binary(),
    pa.list_(pa.float64()),
    pa.null(),
)
POLARS_TYPES = (
    None,
    pl.Categorical,
    pl.Decimal(20, 2),
    pl.Float32,
    pl.UInt64,
    pl.Int8,
    pl.Date,
    pl.Datetime("ns"),
    pl.Duration,
    pl.Object,
    pl.List(pl.Float64),
    pl.Null,
    pl.Binary,
)
NAMES = [
    "a",
    "b",
    "",
    " ",
    "\u6e29\u5ea6",
    "x0",
    "x1",
    "energy",
    "\x1b[31m",
    "\x00",
    "a" * 500,
    "a\nb",
    "label",
    '"',
    "'",
    "{",
    "<b>",
]
PANDAS_NAMES = [*NAMES, 0, 1, 1.5, None, True, ("a", 1), DAY, "a\ud800"]


def _column(kind, rng, n):
    values = VALUES[kind](rng, n)
    share = HOLES[rng.integers(len(HOLES))]
    return [None if share and rng.random() < share else value for value in values]


class Case:
    """One odd table, and another of the same columns with other values.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 1])
        self.seed = seed
        self.library = str(
            rng.choice(["pandas", "pandas", "pandas", "polars", "arrow", "array", "lists"])
        )
        self.n_rows = int(rng.choice(SIZES))
        n_columns = int(rng.integers(1, 6))
        self.kinds = [str(kind) for kind in rng.choice([*VALUES], n_columns)]
        if rng.random() < 0.7:  # without one good column most tables have nothing left to fit
            self.kinds[0] = "normal"
        names = PANDAS_NAMES if self.library == "pandas" else NAMES
        self.names = [names[i] for i in rng.permutation(len(names))[:n_columns]]
        if self.library == "pandas" and rng.random() < 0.05:
            self.names = [self.names[0]] * n_columns
        self.types = [int(i) if rng.random() < 0.3 else 0 for i in rng.integers(0, 99, n_columns)]

    def __str__(self):
        columns = [f"{name!r}: {kind}" for name, kind in zip(self.names, self.kinds, strict=True)]
        return f"{self.library}, {self.n_rows} rows of {columns}, types {self.types}"

    def table(self, which):
        """Return a table; None where its library has no such table."""
        rng = np.random.default_rng([self.seed, 2, which])
        columns = [_column(kind, rng, self.n_rows) for kind in self.kinds]
        try:
            return getattr(self, f"_{self.library}")(columns)
        except (
            Exception,
            pl.exceptions.PanicException,
        ):  # of its library, which is not tried here
            return None

    def _pandas(self, columns):
        made = []
        for values, at in zip(columns, self.types, strict=True):
            dtype = PANDAS_TYPES[at % len(PANDAS_TYPES)]
            try:
                made.append(pd.Series(values, dtype=dtype))
            except Exception:  # values that are not of this type
                made.append(pd.Series(values, dtype=object))
        frame = pd.concat(made, axis=1)
        frame.columns = pd.Index(self.names, dtype=object, tupleize_cols=False)
        if self.seed % 3 == 0:
            frame.index = pd.Index(["same"] * self.n_rows)
        return frame

    def _polars(self, columns):
        made = []
        for name, values, at in zip(self.names, columns, self.types, strict=True):
            dtype = POLARS_TYPES[at % len(POLARS_TYPES)]
            try:
                made.append(pl.Series(name, values, dtype=dtype))
            except (Exception, pl.exceptions.PanicException):  # values that are not of this type
                made.append(pl.Series(name, values, strict=False))
        return pl.DataFrame(made)

    def _arrow(self, columns):
        made = []
        for values, at in zip(columns, self.types, strict=True):
            dtype = ARROW_TYPES[at % len(ARROW_TYPES)]
            try:
                made.append(pa.array(values, dtype))
            except Exception:  # values that are not of this type
                made.append(pa.array(values))
        return pa.table(made, names=self.names)

    def _array(self, columns):
        rows = [list(row) for row in zip(*columns, strict=True)]
        return np.array(rows) if self.seed % 2 else _objects(rows)

    def _lists(self, columns):
        return [list(row) for row in zip(*columns, strict=True)]


def _objects(rows):
    array = np.empty((len(rows), len(rows[0])), object)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            array[i, j] = value
    return array


def _row(table, i):
    if isinstance(table, pd.DataFrame):
        return table.iloc[[i]]
    return table.slice(i, 1) if isinstance(table, pl.DataFrame | pa.Table) else table[i : i + 1]


def _allowed(error, table):
    """Whether an error may come: ours, or scikit-learn's for arrays, whose contract it is."""
    if is_ours(error):
        return True
    is_array = isinstance(table, np.ndarray | list)
    return is_array and type(error) is ValueError and _is_sklearn(error)


def _is_sklearn(error):
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return "sklearn/utils" in trace.tb_frame.f_code.co_filename


def check(seed):
    """Fit one table, and score it and another, together and row by row."""
    case = Case(seed)
    first = case.table(0)
    if first is None:
        return "no table"
    with tiny_fits():
        try:
            fitted = detector().fit(first)
        except Exception as error:
            if not _allowed(error, first):
                raise
            return "refused"
        together = fitted.energy(first)
        check_energies(together, case.n_rows)
        _check_alone(fitted, first, together, case.n_rows)
        other = case.table(1)
        if other is not None:
            try:
                together = fitted.energy(other)
            except Exception as error:
                if not _allowed(error, other):
                    raise
                return "fitted, another table refused"
            check_energies(together, case.n_rows)
            _check_alone(fitted, other, together, case.n_rows)
    return "scored"


def _check_alone(fitted, table, together, n_rows):
    for i in range(0, n_rows, max(1, n_rows // 3)):
        alone = fitted.energy(_row(table, i))
        np.testing.assert_allclose(alone, together[i : i + 1], rtol=ROUNDING, atol=ROUNDING)


CAMPAIGN = Campaign("odd_tables", check, 10_000, lambda seed: str(Case(seed)))
