"""Drift of the rows that the service scored: what ``drift`` says of the same rows."""

import math
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from dagmm.inference.drift.drift import drift_of
from dagmm.serve.drift import DriftWatch, drift_state
from dagmm.serve.formats import CSV
from dagmm.serve.model import Served
from service import as_csv, copied, features, saved_over, serving, settings_for, values_of


def metrics_of(service):
    found = values_of(service.get("/metrics").body.decode())
    return {name: value for name, value in found.items() if name.startswith("dagmm_drift")}


def strange(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    temp = 5.0 + rng.normal(size=n_rows)
    return pa.table({"temp": temp, "torque": -temp, "tool": ["mill"] * n_rows})


@pytest.fixture(scope="module")
def served(model):
    return Served(model, "pump", "v1", 1.0)


def test_rows_that_were_scored_are_watched_as_drift_watches_them(models, model):
    rows = features().slice(0, 40)
    with serving(settings_for(models[0])) as service:
        assert service.get("/status").json["drift"]["rows"] == 0
        for start in (0, 15):
            part = rows.slice(start, 15 if start == 0 else 25)
            assert service.post("/score", as_csv(part), CSV).status == 200
        assert service.post("/explain?all=1", part.slice(0, 2).to_pylist()).status == 200
        assert service.post("/score", "[").status == 400
        before, so_far = metrics_of(service), drift_of(model, rows)
        assert service.post("/invocations", strange(30).to_pylist()).status == 200
        after, whole = metrics_of(service), drift_of(model, pa.concat_tables([rows, strange(30)]))
        state = service.get("/status").json["drift"]
    assert not so_far.has_drifted
    assert whole.has_drifted
    for found, drift in ((before, so_far), (after, whole)):
        p_value = f'dagmm_drift_p_value{{bound="{drift.bound}"}}'
        assert found == {
            "dagmm_drift": drift.has_drifted,
            p_value: pytest.approx(drift.p_value, rel=1e-9),
            "dagmm_drift_rows": drift.n_rows,
        }
    assert state == {
        "has_drifted": True,
        "p_value": pytest.approx(whole.p_value, rel=1e-9),
        "bound": whole.bound,
        "rows": 70,
    }


def test_another_model_begins_anew(models, tmp_path):
    path = copied(models[0], tmp_path / "model")
    with serving(replace(settings_for(path), reload_seconds=0.05)) as service:
        version = service.post("/score", strange(40).to_pylist()).headers["model-version"]
        assert metrics_of(service)["dagmm_drift"] == 1
        saved_over(models[1], path)
        end = time.monotonic() + 20.0
        while service.get("/status").json["version"] == version:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert (metrics_of(service)["dagmm_drift"], metrics_of(service)["dagmm_drift_rows"]) == (
            (0, 0)
        )
        service.post("/score", features().slice(0, 3).to_pylist())
        assert metrics_of(service)["dagmm_drift_rows"] == 3


def test_an_answer_of_a_model_that_is_gone_is_not_watched(served, model):
    watch, newer = DriftWatch(), replace(served, version="v2", loaded=2.0)
    watch.scored(served, model.energy(features().slice(0, 5)))
    watch.scored(newer, model.energy(features().slice(0, 2)))
    watch.scored(served, model.energy(strange(50)))
    assert watch.plain() == {"version": "v2", "rows": 2, "log_evidence": 0.0}


def test_each_process_has_its_own_and_the_p_value_is_for_all_of_them(served, model):
    processes = [DriftWatch() for _ in range(3)]
    for watch in processes[:2]:
        watch.scored(served, model.energy(features().slice(0, 20)))
    processes[2].scored(served, model.energy(strange(12)))
    parts = [watch.plain() for watch in processes]
    of_another = {"version": "v0", "rows": 9, "log_evidence": 99.0}
    state = drift_state([*parts, of_another], served)
    alone = drift_of(model, strange(12)).p_value
    assert state.p_value == pytest.approx(3.0 * alone, rel=1e-9)
    assert (state.has_drifted, state.rows) == (True, 52)
    just = {"version": "v1", "rows": 1, "log_evidence": -math.log(0.01)}
    quiet = just | {"log_evidence": 0.0}
    assert drift_state([just], served).has_drifted
    assert not drift_state([just, quiet], served).has_drifted
    assert drift_state([quiet, quiet], served).p_value == 1.0
    assert drift_state([], served).rows == 0


def test_a_model_that_cannot_be_watched_says_nothing_of_drift(served):
    calibration = replace(served.model.calibration, held_out=None)
    unknown = replace(served, model=replace(served.model, calibration=calibration))
    watch = DriftWatch()
    watch.scored(unknown, np.ones(3))
    assert watch.plain() is None
    assert drift_state([], unknown) is None
