"""The model is replaced by what is saved in its place, whole or not at all."""

import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from dagmm import load_model
from dagmm._core.errors import ArgumentError, ModelFileError
from dagmm.serve.model import ModelHolder
from service import copied, features, saved_over, serving, settings_for


def test_another_model_is_taken_and_the_one_before_goes_on(models, tmp_path):
    path = copied(models[0], tmp_path / "model")
    holder = ModelHolder(str(path), "pump", 10)
    before = holder.served
    assert not holder.renew()
    saved_over(models[1], path)
    assert holder.renew()
    assert holder.served.version != before.version
    np.testing.assert_array_equal(
        holder.served.model.energy(features()), load_model(models[1]).model.energy(features())
    )
    np.testing.assert_array_equal(
        before.model.energy(features()), load_model(models[0]).model.energy(features())
    )
    saved_over(models[1], path)  # the same again is no other model
    assert not holder.renew()
    assert (holder.reloads, holder.failures, holder.problem) == (1, 0, "")


def test_what_cannot_be_read_does_not_take_its_place(models, tmp_path):
    path = copied(models[0], tmp_path / "model")
    holder = ModelHolder(str(path), "pump", 10)
    before = holder.served
    (path / "manifest.json").write_text("{}")
    assert not holder.renew()
    assert holder.served is before
    assert holder.problem.startswith("restore: ")
    shutil.rmtree(path)
    assert not holder.renew()
    assert holder.problem.endswith("does not exist.")
    assert holder.failures == 2
    copied(models[1], path)
    assert holder.renew()
    assert holder.problem == ""


def test_what_cannot_be_served_is_refused(models, tmp_path):
    with pytest.raises(ModelFileError, match="is not a saved model"):
        ModelHolder(str(tmp_path), "pump", 10)
    with pytest.raises(ArgumentError) as caught:
        ModelHolder(str(models[0]), "pump", 2)
    assert str(caught.value) == (
        "the model has 3 columns, and requests may have no more than 2; raise --max-columns."
    )


def test_no_answer_mixes_two_models_and_none_is_lost(models, tmp_path):
    """Clients ask all the time while one model takes the other's place, again and again."""
    path = copied(models[0], tmp_path / "model")
    rows = features().slice(0, 20)
    energies = [load_model(one).model.energy(rows).tolist() for one in models]
    assert energies[0] != energies[1]
    settings = replace(settings_for(path), reload_seconds=0.05)
    seen, stop = [], threading.Event()
    with serving(settings) as service:

        def ask():
            while not stop.is_set():
                reply = service.post("/score", rows.to_pylist(), "application/json")
                found = [row["energy"] for row in reply.json] if reply.status == 200 else None
                seen.append((reply.headers.get("model-version"), found))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for i in range(1, 5):
            saved_over(models[i % 2], path)
            end = time.monotonic() + 20.0
            while service.get("/status").json["problem"] or b"reloads_total %d" % i not in (
                service.get("/metrics").body
            ):
                assert time.monotonic() < end
                time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join()
    by_version = {}
    for version, found in seen:
        by_version.setdefault(version, []).append(found)
    assert len(by_version) == 2
    for found in by_version.values():
        assert found[0] in energies
        assert all(one == found[0] for one in found)
