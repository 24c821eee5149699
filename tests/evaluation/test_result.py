import json
from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from dagmm import ArgumentError
from dagmm.evaluation.result import Comparison, MethodResult


def run(auroc, fit_seconds=1.0):
    return {
        "auroc": auroc,
        "average_precision": auroc,
        "f1": auroc,
        "fit_seconds": fit_seconds,
        "score_seconds": 0.5,
    }


def result(auroc=(0.8, 0.9)):
    """Three methods, of which one failed."""
    quality = tuple(run(value) for value in auroc)
    better = tuple(run(None if value is None else value + 0.05, 3.0) for value in auroc)
    return Comparison(
        (
            MethodResult("a", "Method A", "here", quality, np.zeros((2, 3)), 0.9, 0.7, 0.5),
            MethodResult("b", "Method B", "here", better, np.zeros((2, 3)), 0.8, 0.7, 0.5),
            MethodResult("c", "Method C", "here", error="ValueError: 表 [2]"),
        ),
        {"rows": 10},
        ("A note of [2] words.",),
        {"a": {"a": 1.0, "b": 0.7}, "b": {"a": 0.7, "b": 1.0}},
        {"a": {"a": 1.0, "b": 0.5}, "b": {"a": 0.5, "b": 1.0}},
        np.arange(3),
    )


def test_the_table_has_the_best_first_and_the_failed_last():
    lines = str(result()).splitlines()
    header, _, *body = [line for line in lines if line]
    names = ["AUROC", "average precision", "F1", "stability", "agreement", "top overlap"]
    assert header.split("  ")[0].strip() == "method"
    assert [header.index(name) for name in names] == sorted(header.index(name) for name in names)
    assert [line[:8] for line in body[:3]] == ["Method B", "Method A", "Method C"]
    quality = ["0.900", "±", "0.071"]
    assert body[0].split()[2:] == [
        *quality,
        *quality,
        *quality,
        "0.80",
        "0.70",
        "0.50",
        "3.00",
        "0.50",
    ]
    assert body[2].split()[2:] == ["failed"]
    assert body[3:] == ["- A note of [2] words."]


def test_without_quality_there_are_no_columns_for_it():
    text = str(result((None, None)))
    assert "AUROC" not in text
    assert "stability" in text
    assert [line[:8] for line in text.splitlines() if line.startswith("Method")] == [
        "Method A",
        "Method B",
        "Method C",
    ]


def test_one_run_has_no_deviation():
    assert "0.800 " in str(result((0.8,)))
    assert "±" not in str(result((0.8,)))
    assert result((0.8,)).to_table()["auroc_sd"].to_pylist() == [None, None, None]


def test_a_notebook_shows_the_same_table():
    one = result()
    page = replace(one, notes=("<b>",))._repr_html_()
    assert "<th>AUROC</th>" in page
    assert page.index("Method B") < page.index("Method A") < page.index("failed")
    assert "<td>0.900 ± 0.071</td>" in page
    assert page.endswith("<p>&lt;b&gt;</p>")


def test_it_becomes_a_frame():
    frame = pl.from_arrow(result().to_table())
    assert frame["method"].to_list() == ["b", "a", "c"]
    assert frame["auroc"].to_list() == pytest.approx([0.9, 0.85, None])
    assert frame["auroc_sd"].to_list() == pytest.approx([0.1 / 2**0.5, 0.1 / 2**0.5, None])
    assert frame["fit_seconds"].to_list() == [3.0, 1.0, None]
    assert frame["agreement"].to_list() == [0.7, 0.7, None]
    assert frame["error"].to_list() == [None, None, "ValueError: 表 [2]"]


def test_it_becomes_plain_data():
    plain = result().to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert [method["method"] for method in plain["methods"]] == ["a", "b", "c"]
    assert plain["methods"][0]["auroc"] == pytest.approx(0.85)
    assert plain["methods"][0]["runs"][1]["auroc"] == 0.9
    assert plain["methods"][2]["error"] == "ValueError: 表 [2]"
    assert plain["rank_correlation"]["a"]["b"] == 0.7
    assert (plain["protocol"], plain["notes"]) == ({"rows": 10}, ["A note of [2] words."])


def test_a_method_is_found_by_its_name():
    assert result()["b"].title == "Method B"
    assert result()["b"].mean("overlap") == 0.5


def test_it_is_written_in_the_format_of_the_suffix(tmp_path):
    one = result()
    one.write(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == one.to_dict()
    one.write(str(tmp_path / "r.csv"))
    assert arrow_csv.read_csv(tmp_path / "r.csv")["title"].to_pylist()[0] == "Method B"
    one.write(tmp_path / "r.parquet")
    assert pq.read_table(tmp_path / "r.parquet").equals(one.to_table())


@pytest.mark.parametrize("name", ["r.json", "r.csv"])
def test_what_exists_is_replaced_only_when_told(tmp_path, name):
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(ArgumentError) as caught:
        result().write(path)
    assert str(caught.value) == (
        f"{str(path)!r} exists already; choose another name, or add --force."
    )
    assert path.read_text() == "mine"
    result().write(path, force=True)
    assert "Method A" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
