"""Tables in files whose way of writing is said."""

from pathlib import Path

import numpy as np
import pytest

from dagmm import ArgumentError, InputError
from dagmm.datasets import read_table
from small_fits import normal, tiny_config, tiny_detector


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_all_that_a_command_can_say_can_be_said():
    text = "工場A\n機;温度\n;℃\n一;1.000,5\n二;×\n"  # noqa: RUF001
    Path("t.csv").write_bytes(text.encode("euc_jp"))
    how = {"encoding": "euc_jp", "delimiter": ";", "decimal": ",", "thousands": "."}
    how |= {"skip_rows": 1, "units_row": True, "header": True, "na": ["×"], "format": "csv"}  # noqa: RUF001
    rows = read_table("t.csv", **how)
    (chunk,) = rows.chunks()
    assert chunk.text("機").to_pylist() == ["一", "二"]
    assert chunk.text("温度").to_pylist() == ["1.000,5", None]
    assert rows.style == (".", ",", True, (("温度", "°C"),))
    assert read_table(Path("t.csv"), columns=["温度"], **how).names == ("温度",)


def test_a_detector_takes_it_as_any_table(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    values = normal()
    text = "機,a,b,c\n" + "".join(f"一,{a!r},{b!r},{c!r}\n" for a, b, c in values.tolist())
    header, *lines = text.splitlines(keepends=True)
    Path("1.csv").write_bytes("".join([header, *lines[:25]]).encode("cp932"))
    Path("2.csv").write_bytes("".join([header, *lines[25:]]).encode("cp932"))
    table = read_table("1.csv", "2.csv", encoding="cp932", columns=["a", "b", "c"])
    detector = tiny_detector().fit(table)
    expected = tiny_detector().fit(values)
    np.testing.assert_array_equal(detector.energy(table), expected.energy(values))
    np.testing.assert_array_equal(detector.predict(table), expected.predict(values))


def test_what_is_wrong_is_said():
    Path("t.csv").write_text("temp,load\n1,2\n")
    for paths, options, message in (
        ((), {}, "read_table needs the path of a table."),
        (
            ("t.csv",),
            {"columns": ["tmep"]},
            "'t.csv' has no column 'tmep'. Did you mean 'temp'?",
        ),
        (
            ("t.csv",),
            {"sheet": "1"},
            "sheet is of Excel workbooks, and 't.csv' is none; leave it out.",
        ),
    ):
        with pytest.raises(ArgumentError) as caught:
            read_table(*paths, **options)
        assert str(caught.value) == message
    with pytest.raises(InputError, match=r"^'no\.csv' does not exist"):
        read_table("no.csv")
