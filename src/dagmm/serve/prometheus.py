"""Figures in the text format of Prometheus, version 0.0.4."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dagmm._version import __version__
from dagmm.serve.drift import DriftState, drift_state
from dagmm.serve.figures import BUCKETS
from dagmm.serve.model import Served

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_QUANTILES = (0.5, 0.9, 0.99, 0.999)


def metrics_text(figures: Mapping[str, Any], served: Served, waiting: int) -> str:
    """Return all metrics.

    Parameters
    ----------
    figures : mapping
        Of all processes, joined.
    served : Served
    waiting : int
        Requests that this process works on.
    """
    return "".join(f"{line}\n" for line in _lines(figures, served, waiting))


def _lines(figures: Mapping[str, Any], served: Served, waiting: int) -> Iterator[str]:
    counters = {
        "rows": "Rows scored.",
        "alarms": "Rows above the threshold.",
        "reloads": "Models that took the place of another, in all processes.",
        "reload_failures": "Models that could not be read and were not taken.",
    }
    for name, meaning in counters.items():
        yield from _head(f"dagmm_{name}_total", meaning, "counter")
        yield f"dagmm_{name}_total {figures[name]}"
    yield from _head("dagmm_requests_total", "Answers by endpoint and status.", "counter")
    for endpoint, status, count in figures["requests"]:
        yield f"dagmm_requests_total{_labels(endpoint=endpoint, code=str(status))} {count}"
    yield from _head("dagmm_request_seconds", "Time to an answer.", "histogram")
    for endpoint, kept in figures["latencies"].items():
        for end, count in zip((*map(str, BUCKETS), "+Inf"), kept, strict=False):
            yield f"dagmm_request_seconds_bucket{_labels(endpoint=endpoint, le=end)} {count:.0f}"
        yield f"dagmm_request_seconds_sum{_labels(endpoint=endpoint)} {kept[-1]!r}"
        yield f"dagmm_request_seconds_count{_labels(endpoint=endpoint)} {kept[-2]:.0f}"
    yield from _head("dagmm_energy", "Energy of the last rows in nats, by quantile.", "gauge")
    if figures["energies"]:
        found = np.quantile(figures["energies"], _QUANTILES)
        for share, energy in zip(_QUANTILES, found.tolist(), strict=True):
            yield f"dagmm_energy{_labels(quantile=str(share))} {energy!r}"
    if served.model.threshold is not None:
        yield from _head("dagmm_threshold", "Energy above which a row is an alarm.", "gauge")
        yield f"dagmm_threshold {served.model.threshold!r}"
    drift = drift_state(figures["drift"], served)
    if drift is not None:
        yield from _drift(drift)
    yield from _head("dagmm_requests_in_progress", "Requests of the process asked.", "gauge")
    yield f"dagmm_requests_in_progress {waiting}"
    yield from _head("dagmm_model_loaded_seconds", "When the model was loaded.", "gauge")
    yield f"dagmm_model_loaded_seconds {served.loaded!r}"
    yield from _head("dagmm_model_info", "The model that is served.", "gauge")
    labels = _labels(model=served.name, version=served.version, library=__version__)
    yield f"dagmm_model_info{labels} 1"


def _drift(drift: DriftState) -> Iterator[str]:
    yield from _head("dagmm_drift", "Whether the rows have left what the model knows.", "gauge")
    yield f"dagmm_drift {drift.has_drifted:d}"
    meaning = "Chance that rows like those of the model ever look as strange."
    yield from _head("dagmm_drift_p_value", meaning, "gauge")
    yield f"dagmm_drift_p_value{_labels(bound=drift.bound)} {drift.p_value!r}"
    yield from _head("dagmm_drift_rows", "Rows watched for drift by this model.", "gauge")
    yield f"dagmm_drift_rows {drift.rows}"


def _head(name: str, meaning: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
