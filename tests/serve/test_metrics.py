"""Metrics of one process and of several, in Prometheus' text format."""

import json

import numpy as np
import pyarrow as pa

from dagmm.serve.exchange import Exchange
from dagmm.serve.figures import BUCKETS, Figures, joined
from dagmm.serve.scoring import Tally
from service import serving, settings_for, values_of


def tally(energies, threshold=3.0):
    table = pa.table({"energy": energies, "is_anomaly": [one > threshold for one in energies]})
    return Tally(len(energies), np.array(energies), table.filter(table["is_anomaly"]))


def test_metrics_count_rows_alarms_and_answers(models):
    rows = [{"temp": 0.1 * i, "torque": -0.1 * i, "tool": "mill"} for i in range(4)]
    with serving(settings_for(models[0], name='a "pump"')) as service:
        scores = service.post("/score", [*rows, {"temp": 90.0, "torque": 0.0}]).json
        assert service.post("/score", "[").status == 400
        reply = service.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = values_of(reply.body.decode())
    assert (found["dagmm_rows_total"], found["dagmm_alarms_total"]) == (5, 1)
    assert found['dagmm_requests_total{endpoint="score",code="200"}'] == 1
    assert found['dagmm_requests_total{endpoint="score",code="400"}'] == 1
    assert found['dagmm_request_seconds_count{endpoint="score"}'] == 2
    assert found['dagmm_request_seconds_bucket{endpoint="score",le="+Inf"}'] == 2
    energies = [row["energy"] for row in scores]
    for share in (0.5, 0.9, 0.99):
        name = f'dagmm_energy{{quantile="{share}"}}'
        np.testing.assert_allclose(found[name], np.quantile(energies, share), rtol=1e-12)
    assert any(name.startswith('dagmm_model_info{model="a \\"pump\\""') for name in found)


def test_buckets_are_cumulative():
    figures = Figures()
    for seconds in (0.0005, 0.02, 0.02, 99.0):
        figures.answered("score", 200, seconds)
    kept = figures.plain()["latencies"]["score"]
    counts = dict(zip(BUCKETS, kept, strict=False))
    assert (counts[0.001], counts[0.01], counts[0.025], counts[30.0]) == (1, 1, 3, 3)
    assert (kept[-2], kept[-1]) == (4, 99.0405)


def test_processes_leave_their_figures_and_a_killed_one_is_counted_on(tmp_path):
    one, other = Figures(), Figures()
    first, second = Exchange(one, str(tmp_path)), Exchange(other, str(tmp_path))
    one.scored(tally([1.0, 5.0]))
    one.answered("score", 200, 0.1)
    other.scored(tally([2.0, 7.0, 8.0]))
    other.answered("score", 200, 0.2)
    other.answered("infer", 400, 0.2)
    first.publish(), second.publish()
    one.scored(tally([1.5]))  # not left yet, but its own
    del other, second
    found = first.all()
    assert (found["rows"], found["alarms"]) == (6, 3)
    assert found["requests"] == [["infer", 400, 1], ["score", 200, 2]]
    assert found["latencies"]["score"][-2:] == [2.0, 0.1 + 0.2]
    assert sorted(found["energies"]) == [1.0, 1.5, 2.0, 5.0, 7.0, 8.0]
    assert [alarm["energy"] for alarm in found["last_alarms"]] == [5.0, 7.0, 8.0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_page_gets_no_control_characters():
    table = pa.table({"p\x1b": ["\x1b[31m\u202e"], "energy": [9.0], "is_anomaly": [True]})
    figures = Figures()
    figures.scored(Tally(1, np.array([9.0]), table))
    (alarm,) = figures.plain()["last_alarms"]
    assert alarm["p\\x1b"] == "\\x1b[31m\\u202e"


def test_what_is_kept_is_bounded():
    figures = Figures()
    for _ in range(3):
        figures.scored(tally([9.0] * 5000))
    plain = figures.plain()
    assert (plain["rows"], plain["alarms"]) == (15_000, 15_000)
    assert (len(plain["energies"]), len(plain["last_alarms"])) == (4096, 50)
    assert len(json.dumps(joined([plain] * 4))) < 200_000
