"""Quotes that are not closed: no row vanishes without an error."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.data.files import csv
from dagmm.data.files.base import TableOptions
from dagmm.data.files.csv_quotes import find_stray
from dagmm.data.files.open import open_table

HEAD = "a,b,note\n"
ROWS = [f"{i},{i},ok\n" for i in range(199)]


def rows_of(path: str, mode: str) -> int:
    with open_table(path, TableOptions()) as table:
        if mode == "whole":
            return int(table.read(table.columns).num_rows)
        kinds = dict.fromkeys(table.columns, "text")
        return sum(part.num_rows for _, part in table.batches(kinds))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mode", ["whole", "stream", "small blocks"])
def test_a_quote_in_the_last_column_swallows_no_rows(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "small blocks":
        monkeypatch.setattr(csv, "BLOCK_BYTES", 256)
    rows = list(ROWS)
    rows[99] = '99,99,"ok\n'
    Path("t.csv").write_text(HEAD + "".join(rows))
    with pytest.raises(InputError) as caught:
        rows_of("t.csv", mode)
    assert str(caught.value) == (
        "'t.csv': a quote is opened in line 101 and never closed, so that the 100 lines from "
        "there on would be read as one cell: '99,99,\"ok'. Close it, or write two where it is "
        "part of the text."
    )


@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_a_quote_that_only_a_later_row_closes_swallows_none(mode: str) -> None:
    Path("t.csv").write_text('a,b\n1,"2\n3,4\n5,"6\n7,8\n')
    with pytest.raises(InputError) as caught:
        rows_of("t.csv", mode)
    assert str(caught.value) == (
        "'t.csv': a quote is opened in line 2 and closed only in a later line, so that rows would "
        "be read as one cell: '1,\"2'. Close it, or write two where it is part of the text."
    )


def test_a_quote_in_the_header_is_named() -> None:
    Path("t.csv").write_text('a,"b\n1,2\n3,4\n')
    with pytest.raises(InputError) as caught:
        rows_of("t.csv", "whole")
    assert str(caught.value) == (
        "'t.csv': a quote is opened in line 1, in the header, and not closed there; close it, or "
        "double it where it is part of a name."
    )


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize(
    "rows",
    [
        '1,"x"\n2,"y"\n',
        '1,"x\ny"\n2,"y"\n',
        '1,"x""y"\n2,"""\n""\n"""\n',
        '1,5" pipe\n2,y\n',
        '1,"x"\r\n2,"y\r\nz"\r\n',
        '1,"x"\n\n2,"y"',
        '1,"x" y\n2,z\n',
    ],
)
def test_quotes_that_are_closed_stay_as_they_are(rows: str, mode: str) -> None:
    Path("t.csv").write_bytes(b"a,b\n" + rows.encode())
    assert rows_of("t.csv", mode) == 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.text('ab",\n', max_size=4), st.integers(0, 9)), min_size=1))
def test_what_a_writer_of_csv_writes_has_no_stray_quote(rows: list[tuple[str, int]]) -> None:
    quoted = ['"' + text.replace('"', '""') + '"' for text, _ in rows]
    block = "".join(f"{n},{text}\n" for text, (_, n) in zip(quoted, rows, strict=True))
    assert find_stray(block.encode(), ",", b"\n", len(rows)) is None
    stray = find_stray(block[:-2].encode(), ",", b"\n", None)
    assert stray is not None
    assert stray.lines_before <= block.count("\n")
