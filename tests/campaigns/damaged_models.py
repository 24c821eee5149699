"""Damaged and hostile models: refused as such, or their energies are finite."""

import functools
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy

from campaigns.campaign import Campaign
from campaigns.tiny import check_energies, detector, tiny_fits
from dagmm import ModelFileError
from dagmm._core.atomic_files import checksum_of
from small_fits import energy_of, normal, tiny_dagmm

NUMBERS = [
    0,
    1,
    -1,
    2,
    255,
    2**31,
    2**63,
    10**30,
    0.5,
    -0.5,
    1e-300,
    5e-324,
    1e38,
    1.7e308,
    -1.7e308,
]
VALUES = [None, True, False, "", "x", "\x1b[31m", "../x", [], {}, [[]], ["x"], {"x": 1}, *NUMBERS]
FLOATS = [
    0.0,
    -1.0,
    1e-300,
    2.3e-308,
    1e38,
    3e38,
    1e154,
    1.7e308,
    -1.7e308,
    np.nan,
    np.inf,
    -np.inf,
]


@functools.cache
def models():
    """Return some models, each as the bytes of its files, with the rows to score and its class."""
    frame = pd.DataFrame(normal(), columns=list("abc"))
    frame["t"] = ["u" if i % 3 else "v" for i in range(len(frame))]
    frame["d"] = pd.date_range("2020-01-01", periods=len(frame), freq="37h")
    frame.loc[3:5, "a"] = np.nan
    with tiny_fits():
        fitted = [
            (detector().fit(frame), frame.iloc[:5]),
            (detector().fit(normal()), normal(5)),
            (tiny_dagmm().fit(normal()), normal(5)),
        ]
    found = []
    with tempfile.TemporaryDirectory() as name:
        for i, (estimator, table) in enumerate(fitted):
            estimator.save(Path(name) / str(i))
            files = {file.name: file.read_bytes() for file in (Path(name) / str(i)).iterdir()}
            found.append((files, table, type(estimator)))
    return found


def _flip(rng, data):
    data = bytearray(data)
    for at in rng.integers(0, len(data), rng.integers(1, 4)):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _cut(rng, data):
    return data[: rng.integers(0, len(data))]


def _grow(rng, data):
    return data + rng.bytes(int(rng.integers(1, 100)))


def _double(rng, data):
    first, last = sorted(rng.integers(0, len(data), 2))
    return data[:last] + data[first:]


def _blank(rng, data):
    first, last = sorted(rng.integers(0, len(data), 2))
    return data[:first] + bytes(last - first) + data[last:]


BYTES = [_flip, _flip, _flip, _cut, _grow, _double, _blank]


def _places(plain, at=()):
    yield at
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in inner:
        if isinstance(value, dict | list):
            yield from _places(value, (*at, key))
        else:
            yield (*at, key)


def _change_field(rng, plain):
    places = [place for place in _places(plain) if place]
    for _ in range(int(rng.integers(1, 4))):
        place = places[rng.integers(len(places))]
        owner = plain
        try:
            for key in place[:-1]:
                owner = owner[key]
            if rng.random() < 0.2:
                del owner[place[-1]]
            else:
                owner[place[-1]] = VALUES[rng.integers(len(VALUES))]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away


def _change_array(rng, files, plain):
    arrays = {k: v.copy() for k, v in safetensors.numpy.load(files[plain["arrays"]]).items()}
    name = str(rng.choice(sorted(arrays)))
    array = arrays[name]
    how = rng.random()
    if how < 0.1:
        del arrays[name]
    elif how < 0.2:
        arrays[name] = array[..., None]
    elif how < 0.3:
        arrays[name] = array.astype(np.float16)
    elif array.size:
        value = FLOATS[rng.integers(len(FLOATS))]
        with np.errstate(all="ignore"):
            array.flat[:: 1 if how < 0.5 else int(rng.integers(1, array.size + 1))] = np.float64(
                value
            ).astype(array.dtype)
    data = safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    del files[plain["arrays"]]
    plain["arrays"] = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    files[plain["arrays"]] = data


def damaged(seed):
    """Return the files of a damaged model, the rows to score, its class, and what was done."""
    rng = np.random.default_rng([seed, 3])
    all_models = models()
    files, table, kind = all_models[rng.integers(len(all_models))]
    files = dict(files)
    how = ["bytes", "fields", "arrays", "missing", "swapped"][
        rng.choice(5, p=[0.3, 0.35, 0.25, 0.05, 0.05])
    ]
    arrays = next(name for name in files if name.startswith("arrays-"))
    if how == "bytes":
        name = "manifest.json" if rng.random() < 0.6 else arrays
        files[name] = BYTES[rng.integers(len(BYTES))](rng, files[name])
    elif how == "missing":
        del files[[*files][rng.integers(len(files))]]
    elif how == "swapped":
        other = all_models[rng.integers(len(all_models))][0]
        files["manifest.json"] = other["manifest.json"]
    else:
        plain = json.loads(files["manifest.json"])
        if how == "fields":
            _change_field(rng, plain)
        else:
            _change_array(rng, files, plain)
        plain["checksum"] = checksum_of(plain)
        files["manifest.json"] = json.dumps(plain).encode()
    return files, table, kind, how


def check(seed):
    """Load a damaged model, and score with it if that goes."""
    with tiny_fits():
        files, table, kind, how = damaged(seed)
        directory = Path(tempfile.mkdtemp())
        try:
            for name, data in files.items():
                (directory / name).write_bytes(data)
            try:
                estimator = kind.load(directory)
            except ModelFileError as error:
                if os.fspath(directory) not in str(error):
                    raise AssertionError("the message does not name the model") from error
                return f"{how} refused"
            # A limit that is not there would show here: the rows are few.
            check_energies(energy_of(estimator, table), len(table))
        finally:
            shutil.rmtree(directory)
    return f"{how} loaded"


CAMPAIGN = Campaign("damaged_models", check, 5_000, lambda seed: damaged(seed)[3])
