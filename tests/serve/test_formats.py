"""Plain tables in and out: the energies are the library's, to the bit, in every format."""

import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from command import sensors
from dagmm.inference.calibration.threshold import p_value_of
from dagmm.inference.persistence.directory import load_model, save_model
from dagmm.preprocessing.one_asset import OneAsset
from dagmm.serve.errors import RequestError
from dagmm.serve.formats import ARROW, CSV, JSON, answer_format, format_of
from service import BODIES, as_arrow, as_csv, features, serving, settings_for


def read(body, format):
    if format == CSV:
        return arrow_csv.read_csv(io.BytesIO(body))
    if format == ARROW:
        return pa.ipc.open_stream(body).read_all()
    if format == JSON:
        return pa.Table.from_pylist(json.loads(body))
    return pa.Table.from_pylist([json.loads(line) for line in body.splitlines()])


@pytest.mark.parametrize("sent", BODIES)
@pytest.mark.parametrize("wanted", [None, *BODIES])
def test_every_format_gives_the_energies_of_the_library(service, model, sent, wanted):
    headers = {} if wanted is None else {"Accept": wanted}
    reply = service.post("/score", BODIES[sent](sensors()), sent, **headers)
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"].partition(";")[0] == (wanted or sent)
    result = read(reply.body, wanted or sent)
    assert result.column_names == ["part", "energy", "is_anomaly", "p_value"]
    energy = model.energy(features())
    np.testing.assert_array_equal(result["energy"], energy)
    np.testing.assert_array_equal(result["is_anomaly"], energy > model.threshold)
    np.testing.assert_array_equal(result["p_value"], p_value_of(model.calibration, energy))
    assert result["part"].to_pylist() == sensors()["part"].to_pylist()


@pytest.mark.parametrize("sent", BODIES)
def test_curl_need_not_say_what_it_sends(service, model, sent):
    content_type = "application/x-www-form-urlencoded"
    reply = service.post("/score", BODIES[sent](sensors().slice(0, 3)), content_type)
    assert reply.headers["content-type"].partition(";")[0] == sent
    energy = model.energy(features().slice(0, 3))
    np.testing.assert_array_equal(read(reply.body, sent)["energy"], energy)


def test_rows_may_be_objects_lists_or_what_clients_of_mlflow_send(service, model):
    rows = features().slice(0, 2)
    values = [list(row.values()) for row in rows.to_pylist()]
    energy = model.energy(rows).tolist()
    split = {"columns": rows.column_names, "data": values}
    for body in (
        values,
        {"dataframe_split": split},
        {"dataframe_records": rows.to_pylist()},
        {"instances": rows.to_pylist()},
        {"inputs": rows.to_pydict()},
    ):
        reply = service.post("/score", body, JSON)
        assert [row["energy"] for row in reply.json] == energy
        reply = service.post("/invocations", body, JSON)
        assert list(reply.json) == ["predictions"]
        assert [row["energy"] for row in reply.json["predictions"]] == energy
    assert service.post("/score", rows.to_pylist()[0], JSON).json[0]["energy"] == energy[0]
    csv = service.post("/invocations", as_csv(rows), CSV)
    assert arrow_csv.read_csv(io.BytesIO(csv.body))["energy"].to_pylist() == energy


def test_null_nan_and_an_absent_key_are_one_hole(service, model):
    row = {"temp": 0.5, "torque": None, "tool": "mill"}
    body = f'[{json.dumps(row)}, {{"temp": 0.5, "torque": NaN, "tool": "mill"}}'
    body += ', {"temp": 0.5, "tool": "mill"}]'
    found = [one["energy"] for one in service.post("/score", body, JSON).json]
    expected = model.energy(pa.Table.from_pylist([row], schema=features().schema))[0]
    assert found == [expected] * 3


def test_reasons_are_added_when_they_are_asked_for(service):
    rows = [{"temp": 50.0, "torque": 0.0, "tool": "mill"}, {"temp": 0.0, "torque": 0.0}]
    found = service.post("/score?explain=1", rows, JSON).json
    assert found[0]["is_anomaly"]
    assert found[0]["top_feature_1"] == "temp"


def test_explain_says_what_the_command_says(service, model):
    rows = pa.table({"temp": [0.1, 50.0], "torque": [-0.1, 0.0], "tool": ["mill", "mill"]})
    reply = service.post("/explain?top=1", rows.to_pylist(), JSON)
    assert reply.headers["rows-read"] == "2"
    (found,) = [one for one in reply.json if one["row"] == 1]
    assert found["energy"] == model.energy(rows)[1]
    assert (found["top_feature_1"], found["value_1"]) == ("temp", "50")
    reached = found["energy"] - found["reference_energy"]
    assert found["contribution_1"] == pytest.approx(reached, rel=0.2)
    every = service.post("/explain?all=1", rows.to_pylist(), JSON).json
    assert [one["row"] for one in every] == [0, 1]


@pytest.mark.parametrize("format", BODIES)
def test_parts_of_a_request_are_put_together(service, model, monkeypatch, format):
    whole = service.post("/explain?all=1", BODIES[format](sensors()), format, Accept=JSON).json
    monkeypatch.setattr("dagmm.serve.scoring._ROWS_AT_ONCE", 7)
    monkeypatch.setattr("dagmm.serve.scoring._EXPLAINED_AT_ONCE", 33)
    monkeypatch.setattr("dagmm.data.files.csv.BLOCK_BYTES", 1000)
    reply = service.post("/score", BODIES[format](sensors()), format, Accept=ARROW)
    energy = model.energy(features())
    np.testing.assert_array_equal(read(reply.body, ARROW)["energy"], energy)
    parts = service.post("/explain?all=1", BODIES[format](sensors()), format, Accept=JSON).json
    assert parts == whole
    assert [one["row"] for one in parts] == list(range(len(energy)))


def refused(service, path, body, content_type="", status=400, **headers):
    reply = service.post(path, body, content_type, **headers)
    assert reply.status == status, reply.body
    return reply.error


def test_what_cannot_be_read_is_said_as_the_library_says_it(service):
    assert refused(service, "/score", "[{]", JSON) == (
        "the request is not JSON (Expecting property name enclosed in double quotes: line 1 "
        "column 3 (char 2))."
    )
    assert refused(service, "/score", "[" * 100_000, JSON) == (
        "the request is not JSON (its lists lie too deep)."
    )
    assert refused(service, "/score", [{"temp": 1, "tork": 2, "tool": "mill"}], JSON) == (
        "the request has 3 columns; this model was fitted on 3, of which these are missing: "
        "'torque'. Did you mean 'tork'?"
    )
    row = {"temp": 1, "torque": [2], "tool": "mill"}
    assert refused(service, "/score", [row], JSON) == (
        "column 'torque' holds a value of type list in row 0; expected numbers, booleans, text or "
        "dates. Convert it, or leave it out."
    )
    assert refused(service, "/score", "temp,torque,tool\n1,two,mill\n", CSV) == (
        "the request: column 'torque', row 0 (line 2): expected a number, got 'two'; correct it, "
        "or say --na 'two' if it stands for a hole."
    )
    assert refused(service, "/score", b"", CSV) == "the request is empty; expected a table."
    assert refused(service, "/score", [], JSON) == (
        "the request has 0 columns; this model was fitted on 3, of which these are missing: "
        "'temp', 'torque', 'tool'. It has ."
    )
    assert refused(service, "/score", "3", JSON) == (
        "the request is int; expected an array of objects, one for each row."
    )
    assert refused(service, "/score", [1], JSON) == (
        "row 0 is 1; expected an object with a value for each column."
    )
    assert refused(service, "/score", [[1, 2]], JSON) == (
        "row 0 is [1, 2]; expected a list of 3 values, those of 'temp', 'torque', 'tool'."
    )
    assert refused(service, "/score?explain=x", [row | {"torque": 2}], JSON) == (
        "explain must be a whole number from 0 to 100, got 'x'."
    )


@pytest.mark.parametrize("sent", BODIES)
def test_a_model_of_one_asset_refuses_rows_of_another(models, tmp_path, sent):
    saved = load_model(models[0])
    model = saved.model.of_asset(OneAsset("line", "L1"))
    save_model(tmp_path / "m", model, saved.estimator, saved.arguments)
    rows = sensors().slice(0, 3)
    with serving(settings_for(tmp_path / "m")) as running:
        own = rows.append_column("line", pa.array(["L1"] * 3))
        assert running.post("/score", BODIES[sent](own), sent).status == 200
        other = rows.append_column("line", pa.array(["L1", "L2", "L1"]))
        reply = running.post("/score", BODIES[sent](other), sent)
    assert reply.status == 400
    assert "column 'line' names 'L2' in row 1; this model is of a fleet, and was" in reply.error


def test_compressed_bodies_are_refused(service):
    """A small one may stand for a large table, which no limit would see."""
    body = as_arrow(features(), "zstd")
    assert refused(service, "/score", body, ARROW) == (
        "the request is a compressed Arrow stream; send it without compression."
    )
    gzipped = gzip.compress(as_csv(features()))
    assert service.post("/score", gzipped, CSV).status == 400
    said = refused(service, "/score", gzipped, CSV, 415, **{"Content-Encoding": "gzip"})
    assert said == "content encoding 'gzip' is not taken; send it plain."


def test_a_damaged_arrow_stream_is_refused(service):
    body = as_arrow(features())
    assert refused(service, "/score", body[:-300], ARROW).startswith(
        "the request is not a whole Arrow stream ("
    )
    assert refused(service, "/score", b"ARROW1\0\0" + body, ARROW).startswith(
        "the request is an Arrow file; expected an Arrow stream"
    )


def test_formats_are_told_by_their_media_types():
    assert format_of("text/csv; charset=utf-8", b"") == CSV
    assert format_of("APPLICATION/JSON", b"") == JSON
    with pytest.raises(RequestError, match="'image/png' is not known; expected application/json"):
        format_of("image/png", b"")
    assert answer_format("text/html, application/json;q=0.9", CSV) == JSON
    assert answer_format("text/html, */*;q=0.8", CSV) == CSV
    with pytest.raises(RequestError, match="none of 'image/png' can be answered"):
        answer_format("image/png", CSV)
