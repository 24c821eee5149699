"""Hostile files: an error of ours says what is wrong, or the energies are finite."""

import gzip
import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.campaign import Campaign, is_ours
from campaigns.tiny import check_energies, detector, tiny_fits
from dagmm.data.convert import as_rows

CELLS = [
    *("1", "2.5", "-3e300", "1e400", "nan", "inf", "", " ", "x", "\u6e29\u5ea6", "1,5", "1;5"),
    *('"', '""', '"a', 'a"b', '"a\nb"', '"a""b"', "'", "\\", "\x00", "\x1b[31m", "\ufeff"),
    *("=1+1", "2020-01-01", "true", "9" * 400, "x" * 3000, "{", "[1]", "<b>", "#", "NA", "-"),
    *("12 %", "\u2028"),
]
HEADERS = ["a", "b", "", "a", "1", '"q"', "\u6e29\u5ea6", "x" * 300, "\x1b[0m", "energy"]
ENCODINGS = [*["utf-8"] * 4, "utf-8-sig", "utf-16", "cp932", "latin-1", "utf-16-le", "utf-7"]


def _rows(rng):
    """Mostly numbers, with some cells of all kinds, and some rows of another length."""
    n_rows, n_columns = int(rng.choice([0, 1, 2, 30, 30, 30])), int(rng.integers(1, 6))
    oddness = float(rng.choice([0.0, 0.01, 0.1, 0.7]))
    raggedness = float(rng.choice([0.0, 0.0, 0.02]))

    def cell():
        odd = rng.random() < oddness
        return CELLS[rng.integers(len(CELLS))] if odd else f"{rng.normal():.3f}"

    def width():
        return n_columns + (int(rng.integers(-1, 3)) if rng.random() < raggedness else 0)

    header = [HEADERS[i] for i in rng.permutation(len(HEADERS))[:n_columns]]
    return [header, *([cell() for _ in range(max(0, width()))] for _ in range(n_rows))]


def _csv(rng):
    mark = str(rng.choice([",", ",", ";", "\t", "|", " "]))
    end = str(rng.choice(["\n", "\n", "\r\n", "\r", "\n\n", "\n\r"]))
    text = end.join(mark.join(row) for row in _rows(rng)) + (end if rng.random() < 0.7 else "")
    if rng.random() < 0.1:
        text = "made by a machine" + end + "on a day" + end + end + text
    data = text.encode(str(rng.choice(ENCODINGS)), "replace")
    return data if rng.random() < 0.7 else _damaged(rng, data)


def _parquet(rng):
    n = int(rng.choice([0, 1, 30]))
    columns = {
        "a": rng.normal(size=n),
        "b": pa.array([CELLS[i] for i in rng.integers(0, len(CELLS), n)], pa.string()),
        "c": pa.array([[1.0]] * n, pa.list_(pa.float64())),
        "d": pa.array([{"x": 1}] * n, pa.struct([("x", pa.int64())])),
        "e": pa.array([None] * n, pa.null()),
        "f": pa.array([b"\xff"] * n, pa.binary()),
        "g": pa.array(rng.integers(0, 2**62, n)).cast(pa.timestamp("ns", "Asia/Tokyo")),
        "h": rng.normal(size=n) * 10.0 ** rng.uniform(-300, 300),
    }
    chosen = [name for name in columns if name == "a" or rng.random() < 0.3]
    out = io.BytesIO()
    pq.write_table(pa.table({name: columns[name] for name in chosen}), out)
    data = out.getvalue()
    return data if rng.random() < 0.4 else _damaged(rng, data)


def _damaged(rng, data):
    data = bytearray(data or b"\0")
    how = rng.integers(4)
    if how == 0:
        del data[rng.integers(len(data)) :]
    elif how == 1:
        first, last = sorted(rng.integers(0, len(data), 2))
        data[first:last] = bytes(last - first)
    elif how == 2:
        at = rng.integers(len(data))
        data[at:at] = rng.bytes(int(rng.integers(1, 50)))
    for at in rng.integers(0, len(data), 3) if data and how == 3 else ():
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _noise(rng):
    return rng.bytes(int(rng.integers(0, 5000)))


def content(seed):
    """Return the name and the bytes of a file."""
    rng = np.random.default_rng([seed, 4])
    kinds = [(".csv", _csv), (".parquet", _parquet), (".csv", _noise)]
    suffix, make = kinds[rng.choice(3, p=[0.7, 0.25, 0.05])]
    data = make(rng)
    if rng.random() < 0.15:
        data, suffix = gzip.compress(data, mtime=0), suffix + ".gz"
        data = data if rng.random() < 0.5 else _damaged(rng, data)
    return f"t{suffix}", data


def check(seed):
    """Fit a file, and score it as a stream of batches and as a whole."""
    name, data = content(seed)
    with tempfile.TemporaryDirectory() as directory, tiny_fits():
        file = Path(directory) / name
        file.write_bytes(data)
        try:
            fitted = detector().fit(str(file))
            n_rows = as_rows(str(file)).n_rows
            together = fitted.energy(str(file))
        except Exception as error:
            if not is_ours(error):
                raise
            return f"{name[1:]} refused"
        check_energies(together, n_rows)
    return f"{name[1:]} scored"


CAMPAIGN = Campaign("hostile_files", check, 2_000, lambda seed: repr(content(seed))[:300])
