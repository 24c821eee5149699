"""Tables that come while they are read: nothing is waited for that is not needed."""

import gzip
import os
import threading
import time

import pyarrow as pa
import pytest

from dagmm._core.errors import InputError
from dagmm.data.files.arrow_content import check_arrow_content
from dagmm.data.files.base import TableOptions
from dagmm.data.files.followed import FollowedTable
from dagmm.data.files.json_stream import JSONStream
from dagmm.data.files.live import GrowingFile, Incoming, IncomingPipe, LiveStream
from dagmm.data.files.open import open_live

KINDS = {"a": "number", "b": "text"}


class Pieces(Incoming):
    """Bytes in pieces; a list in between says that nothing comes for a while."""

    def __init__(self, *pieces):
        self.left, self.is_closed = list(pieces), False

    def next(self, timeout=None):
        while self.left and self.left[0] is None:
            self.left.pop(0)
            if timeout is not None:
                return None
        return self.left.pop(0) if self.left else b""

    def close(self):
        self.is_closed = True


def table_of(*pieces, n_lines=2, **options):
    return open_live(Pieces(*pieces), "-", TableOptions(**options), n_lines)


def batches_of(table):
    return [(start, part.to_pydict()) for start, part in table.batches(KINDS)]


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as target:
        yield stream, target


def test_rows_are_there_as_soon_as_their_lines_are_whole():
    table = table_of(b"a,b\n1,x\n", None, b"2,", None, b"y\n3,z\n4", None, b",w\n")
    assert table.columns == ("a", "b")
    assert batches_of(table) == [
        (0, {"a": [1.0], "b": ["x"]}),
        (1, {"a": [2.0, 3.0], "b": ["y", "z"]}),
        (3, {"a": [4.0], "b": ["w"]}),
    ]


def test_what_follows_at_once_tells_how_the_table_is_written():
    """A header alone tells nothing of the decimal comma below it."""
    table = table_of(b"a;b\n", None, b"1;x\n", b"2,5;y\n", None, b"3,5;z\n")
    assert "decimal comma" in table.description
    assert [part["a"] for _, part in batches_of(table)] == [[1.0, 2.5], [3.5]]


def test_a_cut_line_does_not_tell_how_the_table_is_written():
    table = table_of(b"a,b\n1,x\n2", None, b",y\n")
    assert batches_of(table) == [
        (0, {"a": [1.0], "b": ["x"]}),
        (1, {"a": [2.0], "b": ["y"]}),
    ]


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
@pytest.mark.filterwarnings("ignore::dagmm._core.errors.TableWarning")
def test_encodings_are_found_out_piece_by_piece(encoding):
    first, second = "a,b\n1,旋盤\n".encode(encoding), "2,研削盤\n".encode(encoding)
    second = second.removeprefix(b"\xff\xfe")
    table = table_of(first, None, second[:5], None, second[5:])
    found = batches_of(table)
    assert found[0] == (0, {"a": [1.0], "b": ["旋盤"]})
    assert found[1:] == [(1, {"a": [2.0], "b": ["研削盤"]})]


def test_json_lines_need_no_second_line():
    table = table_of(b'{"a": 1, "b": "x"}\n', None, b'{"b": "y"}\n\n{"a": 2.5, "c": 1}\n')
    assert isinstance(table, JSONStream)
    assert table.columns == ("a", "b")
    assert batches_of(table) == [
        (0, {"a": [1.0], "b": ["x"]}),
        (1, {"a": [None, 2.5], "b": ["y", None]}),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{\n", "line 2 is not a JSON object (Expecting property name"),
        (b"[1]\n", "line 2 is not a JSON object."),
        (b'{"a": {}}\n', "line 2: key 'a' holds an object; expected numbers, text, true/false"),
    ],
)
def test_a_wrong_line_of_json_is_named(line, message):
    table = table_of(b'{"a": 1, "b": "x"}\n', None, line)
    with pytest.raises(InputError) as caught:
        batches_of(table)
    assert str(caught.value).startswith(f"standard input: {message}")


def test_other_formats_are_read_to_their_end():
    table = pa.table({"a": [1.0, 2.0], "b": ["x", "y"]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    for pieces in ((data[:100], None, data[100:]), (b'[{"a": 1, "b": "x"},', b"{}]")):
        opened = table_of(*pieces)
        assert opened.read(("a", "b")).num_rows == 2
        opened.close()


def test_a_pipe_is_waited_for_no_longer_than_said(pipe):
    stream, target = pipe
    incoming = IncomingPipe(stream)
    began = time.monotonic()
    assert incoming.next(0.05) is None
    assert time.monotonic() - began >= 0.05
    target.write(b"12")
    assert incoming.next(10.0) == b"12"
    target.close()
    assert incoming.next() == b""


def test_a_stream_gives_all_of_it_and_what_was_put_back():
    stream = LiveStream(Pieces(b"ab\ncd", None, b"ef"), 1)
    assert stream.read(2) == b"ab"
    stream.put_back(b"ab")
    assert stream.read(100) == b"ab\n"
    assert stream.read(3) == b"cde"
    assert stream.read() == b"f"
    assert stream.read(1) == b""


class Reader:
    """Follows a file from another thread."""

    def __init__(self, path):
        self.found, self.error = [], None
        self.table = FollowedTable(str(path), TableOptions(), 2)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for start, part in self.table.batches(KINDS):
                self.found += zip(
                    range(start, start + part.num_rows), part["b"].to_pylist(), strict=True
                )
        except InputError as error:
            self.error = str(error)

    def wait_for(self, n_rows):
        end = time.monotonic() + 20.0
        while len(self.found) < n_rows and self.error is None:
            assert time.monotonic() < end, self.found
            time.sleep(0.02)
        return [text for _, text in self.found]


def appended(path, text):
    with path.open("a") as file:
        file.write(text)


def test_a_file_is_followed_over_its_rotation(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a,b\n1,x\n")
    reader = Reader(path)
    assert reader.wait_for(1) == ["x"]
    appended(path, "2,y\n3,z")
    assert reader.wait_for(2) == ["x", "y"]
    path.rename(tmp_path / "log.csv.1")
    appended(tmp_path / "log.csv.1", "!\n4,last\n")  # by who had it open
    path.touch()
    appended(path, "b,a\n")  # in another order
    appended(path, "new,5.000\n")
    assert reader.wait_for(5) == ["x", "y", "z!", "last", "new"]
    path.write_text("a,b\n6,anew\n")  # shorter: written anew in place
    assert reader.wait_for(6)[-1] == "anew"
    assert [row for row, _ in reader.found] == [0, 1, 2, 3, 4, 5]
    path.unlink()
    path.write_text("a,c\n7,q\n")
    reader.thread.join(20)
    assert reader.error == (
        f"'{path}' was written anew and has no column 'b' any more. It has 'a', 'c'."
    )
    reader.table.close()


def test_what_cannot_be_followed_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be followed: No such file"):
        GrowingFile(str(tmp_path / "none"))
    (tmp_path / "t.json").write_text('[{"a": 1}]\n\n')
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n"))
    for name in ("t.json", "t.csv.gz"):
        with pytest.raises(InputError) as caught:
            FollowedTable(str(tmp_path / name), TableOptions(), 1)
        assert str(caught.value) == (
            f"'{tmp_path / name}' is neither CSV nor JSON lines, or is compressed; only these two "
            "can be followed as they grow."
        )


def test_a_compressed_dictionary_is_seen():
    texts = pa.array(["x" * 1000] * 4).dictionary_encode()
    for compression in (None, "lz4"):
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.ipc.new_stream(sink, pa.schema([("a", texts.type)]), options=options) as writer:
            writer.write_batch(pa.record_batch([texts], names=["a"]))
        content = sink.getvalue().to_pybytes()
        if compression is None:
            check_arrow_content(content, "it")
        else:
            with pytest.raises(InputError, match="it is a compressed Arrow stream"):
                check_arrow_content(content, "it")
