"""The Open Inference Protocol: metadata, tensors as JSON and as bytes, and what is refused."""

import json
import struct

import numpy as np
import pytest

from command import sensors
from dagmm import DAGMMDetector
from dagmm._version import __version__
from dagmm.inference.calibration.threshold import p_value_of
from service import features, serving, settings_for
from small_fits import normal, tiny_config

INFER = "/v2/models/pump/infer"


def inputs(rows):
    return [
        {
            "name": name,
            "shape": [rows.num_rows],
            "datatype": "BYTES" if name == "tool" else "FP64",
            "data": rows[name].to_pylist(),
        }
        for name in rows.column_names
    ]


def test_the_server_and_the_model_say_what_they_are(service):
    assert service.get("/v2").json == {
        "name": "dagmm",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    said = service.get("/v2/models/pump").json
    assert (said["name"], said["platform"]) == ("pump", "dagmm")
    assert said["inputs"] == [
        {"name": "temp", "datatype": "FP64", "shape": [-1]},
        {"name": "torque", "datatype": "FP64", "shape": [-1]},
        {"name": "tool", "datatype": "BYTES", "shape": [-1]},
    ]
    assert [one["name"] for one in said["outputs"]] == ["energy", "p_value", "label"]
    (version,) = said["versions"]
    assert service.get(f"/v2/models/pump/versions/{version}").json == said
    assert service.get("/v2/health/live").json == {"live": True}
    assert service.get("/v2/health/ready").json == {"ready": True}
    assert service.get("/v2/models/pump/ready").json == {"name": "pump", "ready": True}
    assert service.get("/ping").status == 200


def test_an_answer_has_the_energies_of_the_library(service, model):
    reply = service.post(INFER, {"id": "a7", "inputs": inputs(features())})
    assert reply.status == 200, reply.body
    said = reply.json
    assert (said["id"], said["model_name"]) == ("a7", "pump")
    assert said["model_version"] == service.get("/v2/models/pump").json["versions"][0]
    energy = model.energy(features())
    assert [one["data"] for one in said["outputs"]] == [
        energy.tolist(),
        p_value_of(model.calibration, energy).tolist(),
        np.where(energy > model.threshold, -1, 1).tolist(),
    ]
    assert [one["datatype"] for one in said["outputs"]] == ["FP64", "FP64", "INT64"]
    assert all(one["shape"] == [sensors().num_rows] for one in said["outputs"])


def test_tensors_may_come_and_go_as_bytes(service, model):
    """As Triton's own client sends them by default."""
    rows = features().slice(0, 3)
    texts = b"".join(
        struct.pack("<I", len(text.encode())) + text.encode() for text in rows["tool"].to_pylist()
    )
    temp = rows["temp"].to_numpy().astype("<f4")
    torque = rows["torque"].to_numpy()
    described = inputs(rows)
    for one, dtype, data in zip(
        described, ("FP32", "FP64", "BYTES"), (temp, torque, texts), strict=True
    ):
        del one["data"]
        one["datatype"] = dtype
        one["parameters"] = {"binary_data_size": len(bytes(data))}
    outputs = [
        {"name": "label", "parameters": {"binary_data": True}},
        {"name": "energy", "parameters": {"binary_data": True}},
        {"name": "p_value"},
    ]
    header = json.dumps({"inputs": described, "outputs": outputs}).encode()
    body = header + temp.tobytes() + torque.tobytes() + texts
    length = {"Inference-Header-Content-Length": str(len(header))}
    reply = service.post(INFER, body, "application/octet-stream", **length)
    assert reply.status == 200, reply.body
    end = int(reply.headers["inference-header-content-length"])
    said = json.loads(reply.body[:end])
    energy = model.energy(rows.set_column(0, "temp", [temp.astype(float)]))
    label = np.where(energy > model.threshold, -1, 1)
    assert [one["name"] for one in said["outputs"]] == ["label", "energy", "p_value"]
    assert said["outputs"][0]["parameters"] == {"binary_data_size": 24}
    assert reply.body[end:] == label.astype("<i8").tobytes() + energy.astype("<f8").tobytes()
    np.testing.assert_array_equal(
        said["outputs"][2]["data"], p_value_of(model.calibration, energy)
    )


def test_one_tensor_may_hold_all_columns(tmp_path, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    detector = DAGMMDetector(n_members=1).fit(normal(60))
    detector.save(tmp_path / "numbers")
    rows = normal(4, seed=1)
    rows[1, 2] = np.nan
    data = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
    with serving(settings_for(tmp_path / "numbers", name="numbers")) as service:
        for values in (data, [value for row in data for value in row]):
            tensor = {"name": "x", "shape": [4, 3], "datatype": "FP64", "data": values}
            said = service.post("/v2/models/numbers/infer", {"inputs": [tensor]}).json
            assert said["outputs"][0]["data"] == detector.energy(rows).tolist()
        tensor = {"name": "x", "shape": [6, 2], "datatype": "FP64", "data": [0.0] * 12}
        reply = service.post("/v2/models/numbers/infer", {"inputs": [tensor]})
        assert reply.status == 400
        assert reply.error == "input 'x' has 2 columns; this model was fitted on 3."


def changed(**other):
    described = inputs(features().slice(0, 2))
    described[0] |= other
    return {"inputs": described}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the request must be an object with a list of 'inputs'."),
        ({"inputs": []}, "the request has no inputs; expected one for each column."),
        ({"inputs": [3]}, "inputs[0] must be an object with a 'name'."),
        (changed(shape=[3]), "input 'temp' has 2 elements; its shape [3] has 3."),
        (
            changed(shape=[2, 1, 1]),
            "input 'temp': shape must be [rows] or [rows, columns], got [2, 1, 1].",
        ),
        (changed(data=7), "input 'temp': data must be a list, got 7."),
        (
            changed(data=[1, "a"]),
            "input 'temp': element 1 is 'a'; expected FP64, or null where there is no value.",
        ),
        (
            changed(datatype="FP63"),
            "input 'temp': datatype must be one of BOOL, FP16, FP32, FP64, INT8, INT16, INT32, "
            "INT64, UINT8, UINT16, UINT32, UINT64, BYTES, got 'FP63'.",
        ),
        (
            changed(name="tmp"),
            "there is no input 'tmp'; those of this model are its columns, as its metadata lists "
            "them.",
        ),
        (changed(name="tool"), "two inputs have one name."),
        (changed(shape=[1], data=[1]), "input 'torque' has 2 rows, 'temp' 1."),
        (
            {"inputs": inputs(features().select(["temp"]))},
            "the request has 1 column; this model was fitted on 3, of which these are missing: "
            "'torque', 'tool'. It has 'temp'.",
        ),
        (
            changed() | {"outputs": [{"name": "energies"}]},
            "outputs must be some of energy, p_value, label, each once; got 'energies'.",
        ),
        (
            changed() | {"outputs": [{"name": "energy"}] * 2},
            "outputs must be some of energy, p_value, label, each once; got 'energy'.",
        ),
        (
            changed(parameters={"binary_data_size": 8}),
            "input 'temp' has both 'data' and 'binary_data_size'.",
        ),
    ],
)
def test_wrong_requests_are_refused_in_words(service, body, message):
    reply = service.post(INFER, body)
    assert reply.status == 400
    assert reply.error == message


@pytest.mark.parametrize(
    ("data", "dtype", "message"),
    [
        (b"\0" * 7, "FP64", "input 'temp' has 7 bytes; FP64 of shape [1] has 8."),
        (b"\0\0", "BYTES", "input 'temp': element 0 has no length."),
        (b"\x09\0\0\0a", "BYTES", "input 'temp': element 0 is cut short."),
        (b"\x01\0\0\0\xff", "BYTES", "input 'temp': element 0 is not UTF-8."),
    ],
)
def test_wrong_bytes_are_refused_in_words(service, data, dtype, message):
    tensor = {"name": "temp", "shape": [1], "datatype": dtype}
    tensor["parameters"] = {"binary_data_size": len(data)}
    header = json.dumps({"inputs": [tensor]}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    reply = service.post(INFER, header + data, **length)
    assert (reply.status, reply.error) == (400, message)
    more = service.post(INFER, header + data[:-1], **length)
    assert more.error.endswith("are left in the request.")
    wrong = service.post(INFER, header, **{"Inference-Header-Content-Length": "-1"})
    assert wrong.error.startswith("Inference-Header-Content-Length must be the length of the JSON")


def test_other_names_and_versions_are_not_found(service):
    for method, path in (
        ("GET", "/v2/models/pomp"),
        ("GET", "/v2/models/pomp/ready"),
        ("POST", "/v2/models/pomp/infer"),
    ):
        reply = service.ask(method, path, b"{}" if method == "POST" else None)
        assert reply.status == 404
        assert reply.error == "there is no model 'pomp'; this service has 'pump'."
    reply = service.post("/v2/models/pump/versions/7/infer", b"{}")
    assert reply.status == 404
    assert reply.error.startswith("there is no version '7'; that of the model is '")
