"""``dagmm drift``, ``dagmm select`` and ``dagmm update``: what they print, write and return."""

import json
from pathlib import Path

import numpy as np
import pytest

from command import failure, run
from dagmm import DAGMMDetector
from small_fits import TINY, tiny_detector


def table(name, n_rows, seed, shift=0.0, n_strange=0, more=""):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, 3))
    rows[:, 1] += shift
    rows[:n_strange] += 9.0
    lines = [f"p{i},{a:.6f},{b:.6f},{c:.6f}" for i, (a, b, c) in enumerate(rows)]
    Path(name).write_text("\n".join(["part,a,b,c", *lines]) + "\n" + more)
    return rows


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    import pandas as pd

    place = tmp_path_factory.mktemp("drift")
    rows = np.random.default_rng(0).normal(size=(400, 3))
    detector = tiny_detector(config=TINY).fit(pd.DataFrame(rows, columns=["a", "b", "c"]))
    detector.save(place / "m")
    return detector, place / "m"


@pytest.fixture
def there(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted[0].save("m")
    return fitted[0]


def test_no_drift_ends_with_0_and_drift_with_3(there):
    table("same.csv", 300, 1)
    table("moved.csv", 300, 2, shift=3.0)
    result = run("drift", "m", "same.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "model           m",
        "has drifted     no",
    ]
    result = run("drift", "m", "moved.csv")
    assert result.exit_code == 3
    assert "moved           b by 0." in result.stdout
    result = run("drift", "m", "moved.csv", "--json", "--alpha", "0.001")
    found = json.loads(result.stdout)
    expected = there.drift("moved.csv", alpha=0.001).plain()
    assert result.exit_code == 3
    assert found.pop("moved") == ["b"]
    assert found == {"model": "m", **json.loads(json.dumps(expected))}


def test_what_cannot_be_told_ends_with_1(there):
    table("same.csv", 30, 1)
    assert failure("drift", "m", "none.csv").startswith("dagmm: 'none.csv' does not exist")
    assert failure("drift", "m", "same.csv", "--alpha", "2") == (
        "dagmm: --alpha must be in (0, 1), got 2.0.\n"
    )


def test_selected_rows_are_written_with_what_identifies_them(there):
    rows = table("some.csv", 200, 3, n_strange=20)
    result = run("select", "m", "some.csv", "-o", "out.csv", "--fdr", "0.1", "--id", "part")
    assert result.exit_code == 0, result.output
    header, *lines = Path("out.csv").read_text().splitlines()
    assert header == "part,row,energy,p_value"
    import pandas as pd

    expected = there.select(pd.DataFrame(rows, columns=["a", "b", "c"]).round(6), fdr=0.1)
    assert [int(line.split(",")[1]) for line in lines] == np.flatnonzero(expected).tolist()
    assert lines[0].startswith("p0,0,")
    said = json.loads(
        run("select", "m", "some.csv", "-o", "out.csv", "--force", "--json", "--id", "part").stdout
    )
    assert (said["rows"], said["selected"], said["fdr"]) == (200, len(lines), 0.1)
    assert said["least_rows"] == 10  # 200 / (201 x 0.1), of 200 rows that are known


def test_of_ordinary_rows_none_is_selected_and_too_few_are_said(there):
    table("same.csv", 200, 4)
    result = run("select", "m", "same.csv", "-o", "none.csv")
    assert Path("none.csv").read_text() == "row,energy,p_value\n"
    assert "note: none of 200 rows is selected" in result.stderr
    assert "nothing can ever be selected with 200 " in failure(
        "select", "m", "same.csv", "-o", "x.csv", "--fdr", "0.001"
    )
    assert not Path("x.csv").exists()


def test_a_model_is_brought_up_to_date_in_place(there):
    rows = table("new.csv", 300, 5, shift=0.5)
    result = run("update", "m", "new.csv", "--keep", "0.5", "--name", "pump", "--tag", "line=3")
    assert result.exit_code == 0, result.output
    words = {line[:20].strip(): line[20:].strip() for line in result.stdout.splitlines()}
    assert (words["version"], words["n rows"], words["old rows"]) == ("2", "300", "200")
    assert (words["name"], words["tags"]) == ("pump", "line=3")
    again = DAGMMDetector.load("m")
    import pandas as pd

    expected = DAGMMDetector.load(there_saved(there))
    expected.update(pd.DataFrame(rows, columns=["a", "b", "c"]).round(6), keep=0.5)
    x = pd.DataFrame(np.random.default_rng(9).normal(size=(20, 3)), columns=["a", "b", "c"])
    np.testing.assert_allclose(again.energy(x), expected.energy(x), rtol=1e-6)
    described = json.loads(run("info", "m", "--json").stdout)
    assert (described["version"], described["name"], described["updated_rows"]) == (2, "pump", 300)
    assert described["tags"] == {"line": "3"}
    assert described["updated_at"].endswith("+00:00")
    result = run("update", "m", "--tag", "site=east", "--json")
    assert json.loads(result.stdout) == {
        "model": "m",
        "version": 2,
        "name": "pump",
        "tags": {"line": "3", "site": "east"},
    }


def there_saved(detector):
    detector.save("before")
    return "before"


def test_an_update_that_fails_leaves_the_model_as_it_was(there):
    before = {file.name: file.read_bytes() for file in Path("m").iterdir()}
    table("few.csv", 20, 6)
    table("broken.csv", 300, 6, more="p,1,x,2\n")
    assert failure("update", "m", "few.csv").startswith(
        "dagmm: 'few.csv': update: expected at least 100 rows, got 20;"
    )
    failure("update", "m", "broken.csv")
    assert failure("update", "m").startswith("dagmm: nothing to do: give a TABLE")
    result = run("update", "m", "few.csv", "--tag", "line")
    assert (result.exit_code, "--tag must be KEY=VALUE, got 'line'." in result.stderr) == (2, True)
    assert {file.name: file.read_bytes() for file in Path("m").iterdir()} == before


def test_rows_that_are_labelled_anomalies_stay_out_of_an_update(there):
    rows = np.random.default_rng(7).normal(size=(200, 3))
    rows[:50] += 20.0
    lines = [f"{a},{b},{c},{int(i < 50)}" for i, (a, b, c) in enumerate(rows)]
    Path("l.csv").write_text("\n".join(["a,b,c,fault", *lines]) + "\n")
    result = run("update", "m", "l.csv", "--label", "fault", "--json")
    assert json.loads(result.stdout)["n_rows"] == 150
    assert "note: updated with 150 rows labelled normal; 50 left out" in result.stderr
