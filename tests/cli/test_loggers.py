"""The command on tables as loggers write them."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
import pytest

from command import failure, run

N = 200
LOAD = np.random.default_rng(0).normal(size=N)
NOISE = np.random.default_rng(1).normal(size=N)
FIT = ("--members", "1", "--drop", "no")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(temp: str = "{:.1f} ℃", far: str = "") -> list[str]:
    written = []
    for i in range(N):
        cell = temp.format(60 + 10 * LOAD[i] + NOISE[i])
        cell = {3: "-", 4: "欠測"}.get(i, cell)
        cell = far if far and i == 7 else cell
        written.append(f'{i},{cell},{5 + LOAD[i]:.1f}%,"{2000 + 300 * LOAD[i]:,.1f}"\n')
    return written


def table(name: str, rows: list[str], before: str = "no,temp,hum,power\n") -> str:
    Path(name).write_text(before + "".join(rows))
    return name


def test_a_reading_with_a_unit_is_an_anomaly_where_it_is_far() -> None:
    result = run("fit", table("t.csv", lines()), "-o", "m", *FIT)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    info = run("info", "m").stdout
    assert "temp (numbers, in °C, holes written as 1 x '-', 1 x '欠測', had holes)" in info
    assert "hum (numbers, in %)" in info
    assert "power (numbers, thousands separated by ',')" in info
    columns = json.loads(run("info", "m", "--json").stdout)["columns"]
    assert columns[0] == {
        "name": "temp",
        "kind": "numbers",
        "unit": "°C",
        "holes": {"-": 1, "欠測": 1},
        "written": "holes written as 1 x '-', 1 x '欠測'",
        "had_holes": True,
    }
    table("s.csv", lines(far="9999.9 ℃"))
    assert run("score", "m", "s.csv", "-o", "o.csv").exit_code == 0
    scored = arrow_csv.read_csv("o.csv")
    energy = scored["energy"].to_numpy()
    assert scored["is_anomaly"].to_pylist()[7]
    assert energy.argmax() == 7
    # A row's energy depends on the row alone, in whatever file it comes, but for rounding.
    table("one.csv", lines(far="9999.9 ℃")[7:8])
    assert run("score", "m", "one.csv", "-o", "o.csv", "--force").exit_code == 0
    assert arrow_csv.read_csv("o.csv")["energy"].to_pylist() == [
        pytest.approx(energy[7], rel=1e-12)
    ]
    table("f.csv", lines(far="92.3 ℉"))
    assert failure("score", "m", "f.csv", "-o", "o2.csv") == (
        "dagmm: 'f.csv': column 'temp', row 7: expected a number (in °C), got '92.3 ℉'; convert "
        "it, or replace it by NaN (--na '92.3 ℉') if it stands for a hole.\n"
    )
    assert run("score", "m", "f.csv", "-o", "o2.csv", "--na", "92.3 ℉").exit_code == 0


def test_a_row_of_units_and_a_preamble_are_said_and_remembered() -> None:
    rows = [line.replace(" ℃", "") for line in lines()]
    head = "Logger: X\nSerial;123\n\nno,temp,hum,power\n,℃,,kW\n"
    result = run("fit", table("t.csv", rows, head), "-o", "m", *FIT)
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "note: 't.csv': the first 3 lines ('Logger: X') are no part of the table, whose header is "
        "line 4; say --skip-rows 3 to leave out this note, or --skip-rows 0 if they are\n"
        "note: 't.csv': line 5 (',℃,,kW') is taken for the units of the columns and is no row; "
        "say --no-units-row if it is one, or --units-row to leave out this note\n"
    )
    assert json.loads(run("info", "m", "--json").stdout)["columns"][0]["unit"] == "°C"
    told = ("--skip-rows", "3", "--units-row", "--na", "-99")
    assert run("fit", "t.csv", "-o", "m", "--force", *FIT, *told).stderr == ""
    assert "skip_rows=3, units_row=True, na=('-99',)" in run("info", "m").stdout
    result = run("score", "m", "t.csv", "-o", "o.csv")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert arrow_csv.read_csv("o.csv").num_rows == N
    table("f.csv", rows, head.replace("℃", "℉"))
    assert failure("score", "m", "f.csv", "-o", "o2.csv") == (
        "dagmm: 'f.csv': column 'temp' is in °F, as the row below the header says; this model was "
        "fitted on °C there. Convert it and write the other unit.\n"
    )


def test_an_open_quote_ends_fit_and_score_with_its_line() -> None:
    table("t.csv", lines())
    assert run("fit", "t.csv", "-o", "m", *FIT).exit_code == 0
    rows = lines()
    rows[99] = '99,60.0 ℃,5.0%,"2,000.0\n'
    table("q.csv", rows)
    message = (
        "dagmm: 'q.csv': a quote is opened in line 101 and closed only in a later line, so that "
        "rows would be read as one cell: '99,60.0 ℃,5.0%,\"2,000.0'. Close it, or write two where "
        "it is part of the text.\n"
    )
    assert failure("score", "m", "q.csv", "-o", "o.csv") == message
    assert not Path("o.csv").exists()
    assert failure("fit", "q.csv", "-o", "m2", *FIT) == message


def test_doubts_are_notes_that_options_settle() -> None:
    digits = np.random.default_rng(2).integers(0, 9, (N, 2))
    rows = [f'{i},{a},"{1000 + b if i else 1000:,}"\n' for i, (a, b) in enumerate(digits)]
    table("t.csv", rows, "no,a,power\n")
    result = run("fit", "t.csv", "-o", "m", *FIT)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(
        "note: column 'power': '1,000' in row 0 is read as 1000, with the comma as a mark of "
    )
    told = ("--thousands", ",")
    assert run("fit", "t.csv", "-o", "m", "--force", *FIT, *told).stderr == ""
    assert "thousands=','" in run("info", "m").stdout
    assert run("score", "m", "t.csv", "-o", "o.csv").exit_code == 0


def test_a_column_of_numbers_with_a_word_in_it_is_noted() -> None:
    rows = [line.replace("欠測", "burnt") for line in lines("{:.0f} ℃")]
    result = run("fit", table("t.csv", rows), "-o", "m", *FIT)
    assert result.exit_code == 0, result.output
    assert "note: column 'temp' is read as text: 198 of its 199 cells are numbers" in result.stderr
    assert "(--na 'burnt')" in result.stderr
    assert run("fit", "t.csv", "-o", "m2", *FIT, "--na", "burnt").stderr == ""
