"""Tables out: whole or not at all, and what cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target, open_sink, write_text

TABLE = pa.table(
    {"id": ["a,b", 'c"'], "energy": [0.1 + 0.2, -1e-300], "is_anomaly": [True, False]}
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "o.csv",
        "o.csv.gz",
        "o.csv.bz2",
        "o.csv.xz",
        "o.csv.zst",
        "o.csv.lz4",
        "o.parquet",
        "o.pq",
        "o.feather",
        "o.arrow",
        "o.ipc",
    ],
)
def test_what_is_written_reads_back(name: str) -> None:
    with open_sink(name, TABLE.schema) as sink:
        sink.write(TABLE)
        sink.write(TABLE.slice(1))
        assert not Path(name).exists()
    with open_table(name) as table:
        assert table.read(table.columns).equals(pa.concat_tables([TABLE, TABLE.slice(1)]))
    assert files() == [name]


def test_csv_is_quoted_only_where_it_must_be() -> None:
    with open_sink("o.csv", TABLE.schema) as sink:
        sink.write(pa.table({"id": ["a"], "energy": [1.5], "is_anomaly": [True]}))
        sink.write(TABLE.slice(0, 1))
    assert Path("o.csv").read_text() == (
        'id,energy,is_anomaly\na,1.5,true\n"a,b",0.30000000000000004,true\n'
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError])
def test_nothing_is_left_after_an_interrupt(error: type[BaseException]) -> None:
    Path("o.csv").write_text("before")

    def begin() -> None:
        with open_sink("o.csv", TABLE.schema, force=True) as sink:
            sink.write(TABLE)
            raise error

    with pytest.raises(error):
        begin()
    assert Path("o.csv").read_text() == "before"
    assert files() == ["o.csv"]


def test_nothing_is_replaced_without_force() -> None:
    Path("o.csv").write_text("before")
    with pytest.raises(ArgumentError) as caught, open_sink("o.csv", TABLE.schema):
        pass
    assert str(caught.value) == "'o.csv' exists already; choose another name, or add --force."
    Path("o.csv").chmod(0o640)
    with open_sink("o.csv", TABLE.schema, force=True) as sink:
        sink.write(TABLE)
    assert Path("o.csv").read_text().startswith("id,energy,is_anomaly\n")
    assert Path("o.csv").stat().st_mode & 0o777 == 0o640


def test_a_target_that_cannot_be() -> None:
    with pytest.raises(ArgumentError) as caught:
        check_target(".", force=True)
    assert str(caught.value) == "'.' is a directory; expected the name of a file."
    with pytest.raises(ArgumentError) as caught:
        check_target("no/o.csv", force=True)
    assert str(caught.value) == "'no', where 'o.csv' should go, does not exist."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("format", ["csv", "parquet", "arrow"])
def test_a_full_disk(format: str) -> None:
    with (
        pytest.raises(OSError, match="could not be written") as caught,
        open_sink("/dev/full", TABLE.schema, force=True, format=format) as sink,
    ):
        sink.write(TABLE)
    assert caught.value.strerror == "'/dev/full' could not be written: No space left on device"


def test_a_text_is_written_whole_or_not_at_all() -> None:
    write_text("o.json", "表\n")
    assert Path("o.json").read_bytes() == "表\n".encode()
    with pytest.raises(ArgumentError) as caught:
        write_text("o.json", "after")
    assert str(caught.value) == "'o.json' exists already; choose another name, or add --force."
    write_text("o.json", "after", force=True)
    assert Path("o.json").read_text() == "after"
    with pytest.raises(UnicodeEncodeError):
        write_text("o.json", "\ud800", force=True)
    assert Path("o.json").read_text() == "after"
    assert files() == ["o.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_text_on_a_full_disk() -> None:
    with pytest.raises(OSError, match="could not be written") as caught:
        write_text("/dev/full", "text")
    assert caught.value.strerror == "'/dev/full' could not be written: No space left on device"


def test_a_device_is_written_to_and_stays_one() -> None:
    with open_sink("/dev/null", TABLE.schema) as sink:
        sink.write(TABLE)
    assert Path("/dev/null").is_char_device()


def test_a_link_is_followed() -> None:
    Path("real.csv").write_text("before")
    Path("link.csv").symlink_to("real.csv")
    with open_sink("link.csv", TABLE.schema, force=True) as sink:
        sink.write(TABLE)
    assert Path("link.csv").is_symlink()
    assert Path("real.csv").read_text().startswith("id,energy")


def test_a_column_that_csv_cannot_hold() -> None:
    table = pa.table({"id": [[1, 2]]})
    with pytest.raises(InputError) as caught, open_sink("o.csv", table.schema) as sink:
        sink.write(table)
    assert str(caught.value) == (
        "the output has a column that CSV cannot hold "
        "(Unsupported Type:list<item: int64>); write Parquet instead."
    )


JAPANESE = pa.table({"設備": ["一号機", "café"], "energy": [0.5, 1.5]})


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.csv.zst"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "utf-16", "UTF8", None])
def test_csv_in_the_encoding_that_was_asked_for(name: str, encoding: str | None) -> None:
    with open_sink(name, JAPANESE.schema, encoding=encoding) as sink:
        sink.write(JAPANESE.slice(0, 1))
        sink.write(JAPANESE.slice(0, 1))
    with open_table(name, TableOptions(encoding=encoding)) as table:
        assert table.read(table.columns).to_pydict() == {
            "設備": ["一号機"] * 2,
            "energy": [0.5, 0.5],
        }
    if name == "o.csv":
        text = "設備,energy\n" + "一号機,0.5\n" * 2
        assert Path(name).read_bytes() == text.encode(encoding or "utf-8")


def test_a_text_that_an_encoding_does_not_have() -> None:
    def write() -> None:
        with open_sink("o.csv", JAPANESE.schema, encoding="cp932") as sink:
            sink.write(JAPANESE.slice(0, 1))
            sink.write(JAPANESE)

    with pytest.raises(InputError) as caught:
        write()
    assert str(caught.value) == (
        "the output: column '設備', row 2 holds 'é', which cp932 does not have; choose another "
        "--output-encoding: utf-8-sig has all characters, and Excel reads it."
    )
    with (
        pytest.raises(InputError, match=r"^the output: the header holds '設', which ascii does"),
        open_sink("o.csv", JAPANESE.schema, encoding="ascii"),
    ):
        pass
    assert files() == []


def test_an_encoding_is_checked_before_the_work_begins() -> None:
    with pytest.raises(ArgumentError) as caught:
        check_target("o.csv", False, "base64")
    assert str(caught.value) == (
        "output_encoding must be a text encoding such as utf-8, utf-16 or cp932, got 'base64'."
    )
    with pytest.raises(ArgumentError) as caught:
        check_target("o.parquet", False, "cp932")
    assert str(caught.value) == (
        "output_encoding is that of CSV, which 'o.parquet' is not; leave it out."
    )


@pytest.mark.skipif(os.name != "posix", reason="what is written is locked by POSIX")
def test_what_a_killed_writer_left_goes_with_the_next() -> None:
    code = (
        "import os, signal, pyarrow as pa; from dagmm.data.files.write import open_sink\n"
        "table = pa.table({'id': ['a']})\n"
        "with open_sink('o.csv', table.schema) as sink:\n"
        "    sink.write(table); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert len(files()) == 1
    with open_sink("o.csv", TABLE.schema) as sink, open_sink("o.csv", TABLE.schema) as other:
        sink.write(TABLE)
        other.write(TABLE)
    assert files() == ["o.csv"]
