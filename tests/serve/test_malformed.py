"""A thousand bodies that are no requests: none is answered with a fault of ours or a traceback."""

import json
import random
import string
from collections import Counter

import pytest

from service import BODIES, features

PATHS = ("/score", "/explain", "/invocations", "/v2/models/pump/infer")
TYPES = (*BODIES, "", "text/plain", "application/json; charset=utf-16", "multipart/form-data")
N_BODIES = 1000
#: Values where others are expected.
ODD = (
    *(None, True, -1, 0, 1e308, -1e400, 10**400, "", "NaN", "é\ud800", "\0", [], {}, [[]], [{}]),
    *({"temp": {}}, {"": ""}, "x" * 5000, [None] * 50, 2**63, "=1+1", "1,5", "\uff12\uff10"),
)


def infer_body():
    rows = features().slice(0, 2)
    return {
        "inputs": [
            {
                "name": name,
                "shape": [2],
                "datatype": "BYTES" if name == "tool" else "FP64",
                "data": rows[name].to_pylist(),
            }
            for name in rows.column_names
        ]
    }


def oddly(value, rng):
    """Put something odd somewhere into plain data."""
    if rng.random() < 0.25 or not isinstance(value, list | dict) or not value:
        return rng.choice(ODD)
    value = value.copy()
    if isinstance(value, list):
        place = rng.randrange(len(value))
        value[place] = oddly(value[place], rng)
        return value
    key = rng.choice(list(value))
    if rng.random() < 0.3:
        value[rng.choice(("", "temp", "x" * 300, "\ud800"))] = value.pop(key)
    else:
        value[key] = oddly(value[key], rng)
    return value


def damaged(body, rng):
    """Cut bytes, turn some over, or repeat some."""
    if rng.random() < 0.3:
        return body[: rng.randrange(len(body) + 1)]
    changed = bytearray(body)
    for _ in range(rng.randrange(1, 8)):
        place = rng.randrange(len(changed))
        changed[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
    return bytes(changed) * rng.choice((1, 1, 2))


def body_of(rng):
    rows = features().slice(0, rng.randrange(1, 5))
    kind = rng.randrange(5)
    if kind == 0:
        letters = string.printable if rng.random() < 0.5 else ',"\n1;\t{}[]:'
        return "".join(rng.choices(letters, k=rng.randrange(200))).encode()
    if kind == 1:
        return rng.randbytes(rng.randrange(300))
    if kind == 2:
        return json.dumps(oddly(infer_body(), rng)).encode()
    if kind == 3:
        return json.dumps(oddly(rows.to_pylist(), rng)).encode()
    body = BODIES[rng.choice(list(BODIES))](rows)
    return damaged(body if isinstance(body, bytes) else body.encode(), rng)


@pytest.mark.filterwarnings("ignore::dagmm._core.errors.TableWarning")
def test_no_body_is_answered_with_a_fault_of_ours(service, caplog):
    rng = random.Random(7)
    statuses = Counter()
    for i in range(N_BODIES):
        body, path = body_of(rng), rng.choice(PATHS)
        headers = {"Accept": rng.choice(("", *BODIES))} if rng.random() < 0.3 else {}
        if rng.random() < 0.1:
            headers["Inference-Header-Content-Length"] = rng.choice(("5", "-3", "1e3", "9" * 40))
        reply = service.post(path, body, rng.choice(TYPES), **headers)
        statuses[reply.status] += 1
        assert reply.status < 500, (i, path, body, reply.body)
        assert b"Traceback" not in reply.body
        if reply.status >= 400:
            assert reply.error
    assert "Traceback" not in caplog.text
    assert statuses[400] > N_BODIES / 2
    assert service.post("/score", features().to_pylist()).status == 200
