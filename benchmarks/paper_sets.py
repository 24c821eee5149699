"""The data sets of the DAGMM paper, its splits, its settings and how it counts.

Zong et al. (ICLR 2018), section 4. Each run draws a random half of the rows for training, of
which only those of the normal class are used; the rows of the other half with the highest
energies, as many as the anomaly ratio says, are called anomalies. In KDDCUP ``normal.`` is the
anomaly class, being the minority; KDDCUP-Rev has all normal rows, and attacks drawn to a quarter
of their number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from common import KDDCUP_FILE
from dagmm.datasets import adbench, kddcup99, odds


@dataclass(frozen=True)
class Set:
    """A data set of the paper: how it is read and how DAGMM is set there.

    Parameters
    ----------
    load : callable
        Takes the data folder and whether flags are read as categories, as the paper's 120 columns
        of KDDCUP ask for; returns the table and True for anomalies.
    ratio : float
        Share of the test rows that are called anomalies.
    settings : dict
        Arguments of ``DAGMM``; those that are the same for all sets are in ``SHARED``.
    anomalies_per_normal : float, optional
        Anomalies are drawn to this share of the normal rows; all are used by default.
    """

    load: Callable[[Path, bool], tuple[Any, np.ndarray]]
    ratio: float
    settings: dict[str, Any]
    anomalies_per_normal: float | None = None


def _kddcup(data: Path, flags_as_text: bool) -> tuple[Any, np.ndarray]:
    table, attack = kddcup99(data / KDDCUP_FILE, flags_as_text=flags_as_text)
    return table, ~attack


def _kddcup_rev(data: Path, flags_as_text: bool) -> tuple[Any, np.ndarray]:
    return kddcup99(data / KDDCUP_FILE, flags_as_text=flags_as_text)


def _thyroid(data: Path, flags_as_text: bool) -> tuple[Any, np.ndarray]:
    return adbench(data / "adbench/38_thyroid.npz")


def _arrhythmia(data: Path, flags_as_text: bool) -> tuple[Any, np.ndarray]:
    return odds(data / "odds/arrhythmia.mat")


_KDDCUP_NETWORK = {
    "comp_hiddens": [60, 30, 10, 1],
    "est_hiddens": [10, 4],
    "minibatch_size": 1024,
}

SETS = {
    "kddcup": Set(_kddcup, 0.20, {**_KDDCUP_NETWORK, "epoch_size": 200}),
    "kddcup-rev": Set(
        _kddcup_rev, 0.20, {**_KDDCUP_NETWORK, "epoch_size": 400}, anomalies_per_normal=0.25
    ),
    "thyroid": Set(
        _thyroid,
        0.025,
        {
            "comp_hiddens": [12, 4, 1],
            "est_hiddens": [10, 2],
            "minibatch_size": 1024,
            "epoch_size": 20_000,
        },
    ),
    "arrhythmia": Set(
        _arrhythmia,
        0.15,
        {
            "comp_hiddens": [10, 2],
            "est_hiddens": [10, 2],
            "minibatch_size": 128,
            "epoch_size": 10_000,
        },
    ),
}

#: Settings of the paper that hold for every set, and the scaling, which it does not give.
SHARED = {
    "comp_activation": "tanh",
    "est_activation": "tanh",
    "est_dropout_ratio": 0.5,
    "learning_rate": 1e-4,
    "lambda1": 0.1,
    "lambda2": 0.005,
    "normalize": "minmax",
}


@cache
def load(name: str, data: Path, flags_as_text: bool) -> tuple[Any, np.ndarray]:
    """Read a data set once for each process."""
    return SETS[name].load(data, flags_as_text)


def split(
    anomaly: np.ndarray,
    anomalies_per_normal: float | None,
    seed: int,
    contamination: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the training rows and of the test rows.

    Parameters
    ----------
    anomaly : ndarray of shape (n_rows,), bool
    anomalies_per_normal : float or None
    seed : int
        Test rows, and the normal ones among the training rows, depend on nothing else.
    contamination : float, default=0
        Share of the training rows that are anomalies, drawn from those of the training half.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(len(anomaly))
    if anomalies_per_normal is not None:
        n_drawn = round(anomalies_per_normal * (~anomaly).sum())
        drawn = rng.choice(np.flatnonzero(anomaly), n_drawn, replace=False)
        rows = np.concatenate([np.flatnonzero(~anomaly), drawn])
    rows = rng.permutation(rows)
    half = len(rows) // 2
    train, test = rows[:half], rows[half:]
    normal, strange = train[~anomaly[train]], train[anomaly[train]]
    if contamination == 0.0:
        return normal, test
    n_strange = round(contamination / (1.0 - contamination) * len(normal))
    if n_strange > len(strange):
        raise SystemExit(
            f"{contamination:.0%} of anomalies are {n_strange} rows; the training half has only "
            f"{len(strange)}"
        )
    return np.concatenate([normal, rng.choice(strange, n_strange, replace=False)]), test


def f1_of(energy: np.ndarray, anomaly: np.ndarray, ratio: float) -> dict[str, float]:
    """F1, precision and recall where the highest energies are called anomalies."""
    n_called = round(ratio * len(energy))
    called = np.argsort(-energy, kind="stable")[:n_called]
    hits = int(anomaly[called].sum())
    precision, recall = hits / n_called, hits / int(anomaly.sum())
    f1 = 2 * hits / (n_called + int(anomaly.sum()))
    return {"f1": f1, "precision": precision, "recall": recall}
