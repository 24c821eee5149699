"""Addresses, limits, the token, and what happens when there is too much to do."""

import socket
import threading
import time
from dataclasses import replace
from urllib.request import urlopen

from dagmm.serve import service as service_module
from dagmm.serve.answers import Answer
from service import LIMITS, serving, settings_for

ROW = [{"temp": 0.1, "torque": -0.1, "tool": "mill"}]


def test_unknown_addresses_and_methods_are_refused_in_json(service):
    reply = service.get("/nothing")
    assert (reply.status, reply.error) == (404, "Not Found.")
    reply = service.get("/score")
    assert (reply.status, reply.error) == (405, "Method Not Allowed.")


def test_limits_are_named_where_they_are_exceeded(service):
    reply = service.post("/score", b"x" * (LIMITS.body_bytes + 1), "text/csv")
    assert reply.status == 413
    assert reply.error == (
        "the body has more than 1,048,576 bytes (--max-body); send the rows in several requests."
    )
    rows = ROW * (LIMITS.rows + 1)
    csv = "temp,torque,tool\n" + "1,2,mill\n" * (LIMITS.rows + 1)
    for body, content_type in ((rows, "application/json"), (csv, "text/csv")):
        reply = service.post("/score", body, content_type)
        assert reply.status == 413
        assert reply.error == (
            "the request has more than 1,000 rows (--max-rows); send them in several requests."
        )
    names = ",".join(f"c{i}" for i in range(LIMITS.columns + 1))
    wide = ROW[0] | dict.fromkeys(names.split(","), 1)
    for body, n_columns in ((f"{names}\n{names}\n", 51), ([wide], 54)):
        reply = service.post("/score", body, "text/csv" if n_columns == 51 else "application/json")
        assert reply.status == 413
        assert reply.error == (
            f"the request has {n_columns} columns, more than 50 (--max-columns); send those that "
            "the model was fitted on."
        )


def test_a_body_of_unknown_length_is_bounded(service):
    """Without a Content-Length, in chunks."""
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(
            b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(32 * (b"10000\r\n" + b"1" * 2**16 + b"\r\n"))  # and no end
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the body has more than 1,048,576 bytes (--max-body)" in answer


def test_a_small_body_cannot_stand_for_a_large_table(models):
    """Rows of JSON need not name their holes: {} is three bytes, and a row of all columns."""
    with serving(settings_for(models[0], limits=replace(LIMITS, body_bytes=2500))) as service:
        whole = '{"part":"p1","temp":1,"torque":1,"tool":"mill"}'
        reply = service.post("/score", f"[{whole}{',{}' * 800}]", "application/json")
    assert reply.status == 413
    assert reply.error == (
        "the request has 3,204 cells, more than 2,500 (--max-body); send the rows in several "
        "requests."
    )


def test_a_body_that_does_not_come_is_not_waited_for(models):
    with (
        serving(settings_for(models[0], limits=replace(LIMITS, seconds=0.3))) as service,
        socket.create_connection(("127.0.0.1", service.port)) as connection,
    ):
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntemp,")
        connection.settimeout(10.0)
        answer = b""
        while b"(--timeout)." not in answer and (part := connection.recv(10_000)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come within 0.3 seconds (--timeout)." in answer


def test_more_than_can_wait_is_told_to_come_again(models, monkeypatch):
    """One is worked on, one waits, the third is refused; both others are answered."""
    busy, release = threading.Event(), threading.Event()

    def slow(call):
        busy.set()
        assert release.wait(10)
        return Answer(b"[]", "application/json")

    monkeypatch.setitem(service_module.ANSWERS, "score", slow)
    limits = replace(LIMITS, threads=1, queue=1)
    with serving(settings_for(models[0], limits=limits)) as service:
        replies = []
        threads = [
            threading.Thread(target=lambda: replies.append(service.post("/score", ROW)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert busy.wait(10)
        while b"in_progress 2" not in service.get("/metrics").body:
            time.sleep(0.01)
        third = service.post("/score", ROW)
        assert service.get("/v2/health/live").status == 200
        release.set()
        for thread in threads:
            thread.join()
        assert [reply.status for reply in replies] == [200, 200]
        assert (third.status, third.headers["retry-after"]) == (503, "1")
        assert third.error == (
            "2 requests are being worked on or wait already (--threads, --queue); try again later."
        )
        assert service.post("/score", ROW).status == 200


def test_what_takes_too_long_is_given_up(models, monkeypatch):
    release = threading.Event()
    monkeypatch.setitem(service_module.ANSWERS, "score", lambda call: release.wait(10))
    limits = replace(LIMITS, seconds=0.3)
    with serving(settings_for(models[0], limits=limits)) as service:
        reply = service.post("/score", ROW)
        release.set()
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.error == (
        "no answer within 0.3 seconds (--timeout); send fewer rows, or try again later."
    )


def test_a_fault_of_ours_has_no_traceback_but_a_log(models, monkeypatch, caplog):
    def broken(call):
        raise ZeroDivisionError("a secret")

    monkeypatch.setitem(service_module.ANSWERS, "score", broken)
    with serving(settings_for(models[0])) as service:
        reply = service.post("/score", ROW)
    assert (reply.status, reply.error) == (
        500,
        "the request could not be answered; the log of the service says why.",
    )
    assert "a secret" in caplog.text


def test_a_token_is_asked_for_but_not_of_who_watches(models):
    token = "0123456789abcdef"
    with serving(settings_for(models[0], token=token)) as service:
        for path in ("/", "/ping", "/v2/health/live", "/v2/health/ready"):
            assert service.get(path).status == 200
        for path in ("/status", "/metrics", "/v2", "/v2/models/pump"):
            assert service.get(path).status == 401
            assert service.get(path, Authorization=f"Bearer {token}").status == 200
        wrong = service.post("/score", ROW, "", Authorization=f"Bearer {token}0")
        assert (wrong.status, wrong.headers["www-authenticate"]) == (401, "Bearer")
        assert wrong.error == "this service needs a token: Authorization: Bearer TOKEN."
        assert service.post("/score", ROW, "", Authorization=token).status == 401
        assert service.post("/score", ROW, "", Authorization=f"bearer {token}").status == 200


def test_the_status_counts_what_was_asked(models):
    with serving(settings_for(models[0])) as service:
        strange = ROW[0] | {"temp": 90.0, "part": "p7"}
        assert service.post("/score", [*ROW, strange]).status == 200
        assert service.post("/score", "[").status == 400
        state = service.get("/status").json
    assert (state["model"], state["problem"]) == ("pump", "")
    assert (state["rows"], state["alarms"], state["requests"], state["errors"]) == (2, 1, 2, 1)
    (alarm,) = state["last_alarms"]
    assert (alarm["part"], alarm["is_anomaly"]) == ("p7", True)


def test_the_page_may_ask_this_service_only(service):
    with urlopen(f"http://127.0.0.1:{service.port}/") as reply:
        text = reply.read().decode()
        policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in text.replace("http-equiv", "")
