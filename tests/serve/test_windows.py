"""A model of windows behind HTTP: each request brings the rows that its windows need."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from command import run
from dagmm import load_model
from service import Service, features, serving, settings_for
from small_fits import tiny_window_config

CLOCK = 60 * np.arange(160)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    table = features().append_column("t", pa.array(CLOCK.astype(float)))
    arrow_csv.write_csv(table, folder / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        options = ("--time", "t", "--window", "4", "--members", "1")
        result = run("fit", str(folder / "t.csv"), "-o", str(folder / "model"), *options)
    assert result.exit_code == 0, result.output
    return folder / "model", table


@pytest.fixture(scope="module")
def windows(fitted) -> Service:
    with serving(settings_for(fitted[0])) as running:
        yield running


def test_windows_reach_back_to_the_rows_of_the_request(windows, fitted):
    path, table = fitted
    rows = table.slice(20, 4)
    found = windows.post("/score", rows.to_pylist()).json
    np.testing.assert_array_equal(
        [row["energy"] for row in found], load_model(path).model.energy(rows)
    )
    assert windows.get("/status").json["drift"] is None
    assert "dagmm_drift" not in windows.get("/metrics").body.decode()


@pytest.mark.parametrize("path", ["/score", "/invocations", "/explain"])
@pytest.mark.parametrize(("n_rows", "said"), [(1, "1 row"), (3, "3 rows")])
def test_fewer_rows_than_a_window_are_refused(windows, fitted, path, n_rows, said):
    reply = windows.post(path, fitted[1].slice(20, n_rows).to_pylist())
    assert (reply.status, reply.error) == (
        400,
        f"the request has {said}, and this model scores each row with the 3 before it, which must "
        "come along; send at least 4 in their order, or use dagmm score with a pipe or a Stream, "
        "which remember them.",
    )
