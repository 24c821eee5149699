"""Tables in files: what is read, what is refused and in which words."""

import gzip
import io
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.files import csv
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(content: str | bytes, name: str = "t.csv") -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def read(content: str | bytes, name: str = "t.csv", **options: object) -> dict[str, list[object]]:
    with open_table(write(content, name), TableOptions(**options)) as table:
        return table.read(table.columns).to_pydict()


def stream(path: str, kind: str = "number", **options: object) -> Iterator[tuple[int, pa.Table]]:
    with open_table(path, TableOptions(**options)) as table:
        yield from table.batches(dict.fromkeys(table.columns, kind))


def parquet(columns: dict[str, object], name: str = "t.parquet") -> str:
    pq.write_table(pa.table(columns), name)
    return name


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a,b\n1,2\n", {"a": [1], "b": [2]}),
        ("a;b\n1;2,5\n", {"a": [1], "b": [2.5]}),
        ("1;2,5\n3;-,5e1\n", {"x0": [1, 3], "x1": [2.5, -5.0]}),
        ("1,5;2,5;3,25\n1,5;2,5;3,25\n", {"x0": [1.5] * 2, "x1": [2.5] * 2, "x2": [3.25] * 2}),
        ("x;y,z\n1;2,3\n", {"x;y": ["1;2"], "z": [3]}),
        ("a;b\n1.5;2,5\n", {"a": [1.5], "b": ["2,5"]}),
        ("a;b\n1;1,234\n", {"a": [1], "b": ["1,234"]}),
        ("a\tb\n1\t2\n", {"a": [1], "b": [2]}),
        ("a|b\n1|2\n", {"a": [1], "b": [2]}),
        ("1,tcp\n2,udp\n", {"x0": [1, 2], "x1": ["tcp", "udp"]}),
        ("a\n1\n2\n", {"a": [1, 2]}),
        ("7\n8\n", {"x0": [7, 8]}),
        ("a,b\r\n1,2\r\n", {"a": [1], "b": [2]}),
        ("a,b\r1,2\r", {"a": [1], "b": [2]}),
        ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
        ("\n\na,b\n\n1,2\n\n", {"a": [1], "b": [2]}),
        ('"a\nb","c, d"\n1,2\n', {"a\nb": [1], "c, d": [2]}),
        (",b\n1,2\n", {"x0": [1], "b": [2]}),
        ("a,b\n1,2", {"a": [1], "b": [2]}),
        ("a,b\ntrue,x\nfalse,\n", {"a": [True, False], "b": ["x", ""]}),
    ],
)
def test_delimiter_header_and_types_are_found_out(
    content: str, columns: dict[str, list[object]]
) -> None:
    assert read(content) == columns


def test_what_is_said_goes_before_what_would_be_found_out() -> None:
    assert read("a,b\nc,d\n", header=False) == {"x0": ["a", "c"], "x1": ["b", "d"]}
    assert read("1,2\n3,4\n", header=True) == {"1": [3], "2": [4]}
    assert read("a;b,c\n1;2,3\n", delimiter=";") == {"a": [1], "b,c": [2.3]}
    assert read("a b\n1 2\n", delimiter=" ") == {"a": [1], "b": [2]}
    assert read("a,b\n1,2\n", "t.parquet", format="csv") == {"a": [1], "b": [2]}


def test_a_header_longer_than_the_first_look() -> None:
    names = [f"column_number_{i}" for i in range(9000)]
    cells = [str(i) for i in range(9000)]
    assert read(",".join(names) + "\n" + ",".join(cells) + "\n") == {
        name: [i] for i, name in enumerate(names)
    }


def test_a_column_has_one_type_wherever_it_changes() -> None:
    rows = 600_000
    columns = read("a,b\n" + "1,2\n" * rows + "x,2.5\n")
    assert columns["a"][:1] + columns["a"][-1:] == ["1", "x"]
    assert columns["b"][:1] + columns["b"][-1:] == [2.0, 2.5]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("cp932", "cp932"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("euc_jp", "euc_jp")],
)
def test_any_encoding_is_read(encoding: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    text = "\u6e29\u5ea6,\u8a2d\u5099\n" + "1.5,\u4e00\u53f7\n" * 200
    expected = {"\u6e29\u5ea6": [1.5] * 200, "\u8a2d\u5099": ["\u4e00\u53f7"] * 200}
    assert read(text.encode(encoding), encoding=said) == expected
    assert read(gzip.compress(text.encode(encoding)), encoding=said) == expected
    parts = [part for _, part in stream("t.csv", "text", encoding=said)]
    assert len(parts) > 10
    assert pa.concat_tables(parts)["\u8a2d\u5099"].to_pylist() == expected["\u8a2d\u5099"]


def test_decimal_commas_are_read_whole_and_in_a_stream() -> None:
    assert read("a;b\n1,234;x\n", decimal=",") == {"a": [1.234], "b": ["x"]}
    assert read('a,b\n"1,5",x\n', decimal=".") == {"a": ["1,5"], "b": ["x"]}
    ((_, batch),) = stream(write("a;b\n1,5;-2,25e1\n;7\n"))
    assert batch.to_pydict() == {"a": [1.5, None], "b": [-22.5, 7.0]}
    with pytest.raises(InputError) as caught:
        list(stream(write("a;b\n1,5;1.5\n"), decimal=","))
    assert str(caught.value) == (
        "'t.csv': column 'b', row 0 (line 2): expected a number, got '1.5'; this model was fitted "
        "on numbers that are written otherwise; convert it, or say what its commas and points are "
        "with --thousands and --decimal."
    )


def test_gzip_is_seen_whatever_the_suffix() -> None:
    parts = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert read(parts) == {"a": [1, 3], "b": [2, 4]}
    assert read(b"a,b\n1,2\n", "t.csv.gz") == {"a": [1], "b": [2]}


def test_some_columns_and_text_where_it_is_asked_for() -> None:
    with open_table(write("a,b,c\n007,2,3\n")) as table:
        got = table.read(("c", "a"), texts=("a",))
    assert got.to_pydict() == {"c": [3], "a": ["007"]}


def test_parquet_by_its_content() -> None:
    made = parquet({"a": [1, 2], "b": pa.array(["x", "y"]).dictionary_encode()})
    Path(made).rename("t.csv")
    with open_table("t.csv") as table:
        assert table.description == "Parquet"
        assert table.read(("b", "a")).to_pydict() == {"b": ["x", "y"], "a": [1, 2]}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path(parquet({"a": [1, 2]})).read_bytes()
    for content in (b"a\n1\n2\n", gzip.compress(b"a\n1\n2\n"), data, gzip.compress(data)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        with open_table("-") as table:
            assert table.read(table.columns).to_pydict() == {"a": [1, 2]}
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        ((start, batch),) = stream("-")
        assert (start, batch.to_pydict()) == (0, {"a": [1.0, 2.0]})


FAULTS = [
    ("", "'t.csv' is empty; expected a table."),
    ("\n \n", "'t.csv' is empty; expected a table."),
    (
        "a,b\n",
        "'t.csv' has a header but no rows; expected at least 1 row. If its only line is a row, "
        "say so with --no-header.",
    ),
    ("a,b\n1,2\n1,2,3\n", "'t.csv': row 1 (line 3) has 3 cells, expected 2: '1,2,3'."),
    ("a,b\n1,2\n1\n", "'t.csv': row 1 (line 3) has 1 cells, expected 2: '1'."),
    ('"a\nb",c\n1,2\n3\n', "'t.csv': row 1 (line 4) has 1 cells, expected 2: '3'."),
    ("1,2\n1\n", "'t.csv': row 1 (line 2) has 1 cells, expected 2: '1'."),
    (
        "a,b,a\n1,2,3\n",
        "'t.csv': column 'a' appears 2 times; each column needs a name of its own.",
    ),
    (
        b"a,b\n1,x\n1,\xff\n",
        "'t.csv': column 'b', row 1 (line 3): expected text in UTF-8, got b'\\xff'; save the file "
        "as UTF-8, or name its encoding with --encoding.",
    ),
    (
        b"\xff,b\n1,2\n",
        "'t.csv': its first line is not UTF-8, it holds the byte b'\\xff'; save the file as "
        "UTF-8, or name its encoding with --encoding.",
    ),
    (
        "\u6e29,b\n1,2\n".encode("cp932") + b"\xff\xff,\xff\n",
        "'t.csv': its first line is not UTF-8, it holds the byte b'\\x89'; save the file as "
        "UTF-8, or say --encoding cp932 if that is what it is.",
    ),
    (
        "PK\x03\x04...",
        "'t.csv' is not a whole zip archive (File is not a zip file); copy it again.",
    ),
    (
        gzip.compress(random.Random(0).randbytes(1000).hex().encode(), mtime=0)[:-300],
        "'t.csv': its gzip data is damaged or cut short (Compressed file ended before the "
        "end-of-stream marker was reached); copy it again.",
    ),
]


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_a_faulty_file_is_named_with_its_fault(
    content: str | bytes, message: str, mode: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(content) if mode == "whole" else list(stream(write(content), "text"))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "gone.csv", "'gone.csv' does not exist; expected a file that holds a table."),
        (lambda: ".", "'.' is a directory; expected a file that holds a table."),
        (
            lambda: parquet({"a": pa.array([], "int64")}),
            "'t.parquet' has no rows; expected at least 1 row.",
        ),
    ],
)
def test_no_table_at_all(make: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        open_table(make())  # type: ignore[operator]
    assert str(caught.value) == message


def test_broken_parquet() -> None:
    whole = Path(parquet({"a": list(range(1000))})).read_bytes()
    for content in (whole[:-20], whole[:100], b"PAR1", b"a,b\n1,2\n"):
        with pytest.raises(
            InputError, match=r"^'t\.parquet' is not a whole Parquet file \(.*\); "
        ):
            read(content, "t.parquet")


def test_numbers_of_a_stream() -> None:
    ((_, batch),) = stream(write("a,b\n 1,true\nNA,FALSE\n,1e3\nnan,-.5\n"))
    assert batch.schema.types == [pa.float64()] * 2
    assert batch.to_pydict() == {"a": [1.0, None, None, None], "b": [1.0, 0.0, 1000.0, -0.5]}
    ((_, batch),) = stream(write("a\n0x10\n12\n"))
    assert batch.to_pydict() == {"a": [16.0, 12.0]}


def test_what_a_fit_reads_as_a_number_scoring_reads_as_the_same() -> None:
    cells = ["1", "-1.5", "+2", "1e400", "inf", "-Inf", " 7 ", ".5", "5.", "9007199254740993"]
    for cell in cells:
        (whole,) = read(f"a,b\n{cell},0\n")["a"]
        ((_, batch),) = stream("t.csv")
        assert float(whole) == batch["a"][0].as_py()  # type: ignore[arg-type]


def test_text_of_a_stream_stays_as_it_is() -> None:
    ((_, batch),) = stream(write("a,b\n007,NA\n 1,\n"), "text")
    assert batch.to_pydict() == {"a": ["007", " 1"], "b": ["NA", ""]}


def test_rows_are_counted_through_the_whole_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    path = write("a,b\n" + "".join(f'{i},"x\ny"\n' for i in range(200)))
    with open_table(path) as table:
        parts = list(table.batches({"a": "number", "b": "text"}))
    assert len(parts) > 10
    assert [start for start, _ in parts] == [int(part["a"][0].as_py()) for _, part in parts]
    assert pa.concat_tables(part for _, part in parts)["b"].to_pylist() == ["x\ny"] * 200

    path = write("a\n" + "1\n" * 200 + "x\n")
    with pytest.raises(InputError) as caught:
        list(stream(path))
    assert str(caught.value) == (
        "'t.csv': column 'a', row 200 (line 202): expected a number, got 'x'; correct it, or say "
        "--na 'x' if it stands for a hole."
    )
    with pytest.raises(InputError) as caught:
        list(stream(write("a,b\n" + "1,2\n" * 200 + "3\n")))
    assert str(caught.value) == "'t.csv': row 200 (line 202) has 1 cells, expected 2: '3'."


def test_a_quote_inside_text_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    monkeypatch.setattr(csv, "LONGEST_CELL", 256)
    path = write("a,b\n" + '5" pipe,1\n' + "x,2\n" * 300)
    assert sum(part.num_rows for _, part in stream(path, "text")) == 301


def test_a_quote_that_is_never_closed() -> None:
    for content in ('a,b\n1,"2\n' + "3,4\n" * 9, "a,b\n1,2\n" + '3,"' + "x\n" * 9):
        with pytest.raises(InputError, match=r"^'t\.csv': "):
            list(stream(write(content)))


def test_columns_of_parquet_must_be_what_the_model_knows() -> None:
    path = parquet({"a": ["x"], "b": [1]})
    with open_table(path) as table:  # its encoder says whether these are numbers
        ((_, batch),) = table.batches({"a": "number"})
    assert batch.to_pydict() == {"a": ["x"]}
    with open_table(path) as table, pytest.raises(InputError) as caught:
        list(table.batches({"b": "text"}))
    assert str(caught.value) == (
        "'t.parquet': column 'b' holds int64; this model was fitted on text there."
    )


def test_options_are_checked() -> None:
    with pytest.raises(ArgumentError) as caught:
        TableOptions(delimiter=";;")
    assert str(caught.value) == (
        "delimiter must be one ASCII character, no quote or line break, got ';;'."
    )
    with pytest.raises(ArgumentError) as caught:
        TableOptions(format="xlsx")
    assert str(caught.value) == (
        "format must be one of 'csv', 'parquet', 'arrow', 'json', 'excel', got 'xlsx'."
    )
    for options, message in (
        ({"decimal": ";"}, "decimal must be '.' or ',', got ';'."),
        ({"decimal": ",", "delimiter": ","}, "decimal and delimiter cannot both be ','."),
        (
            {"encoding": "base64"},
            "encoding must be a text encoding such as utf-8, utf-16 or cp932, got 'base64'.",
        ),
    ):
        with pytest.raises(ArgumentError) as caught:
            TableOptions(**options)
        assert str(caught.value) == message


def test_brackets_in_a_header_are_no_json() -> None:
    assert read("[t],{u}\n1,2\n") == {"[t]": [1], "{u}": [2]}
