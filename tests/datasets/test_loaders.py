"""Loaders of public sets, on small files of the same formats."""

import gzip
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from dagmm import InputError
from dagmm.datasets import adbench, idx, kddcup99, odds, skab, tennessee_eastman
from dagmm.datasets.kddcup99 import COLUMNS, table_of


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(load, path, message):
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value) == message


X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 0, 1, 0])


# Arrays ------------------------------------------------------------------------------------


def test_adbench_is_a_table_and_labels():
    np.savez("t.npz", X=X, y=Y[:, None])
    table, is_anomaly = adbench("t.npz")
    np.testing.assert_array_equal(table, X)
    assert is_anomaly.tolist() == [False, False, True, False]


NPZ = "expected an .npz file of ADBench, with arrays X and y."


def test_adbench_names_what_is_wrong():
    refused(adbench, "gone.npz", f"'gone.npz' does not exist; {NPZ}")
    refused(adbench, ".", f"'.' is a directory; {NPZ}")
    Path("t.npz").write_text("X,y\n")
    refused(adbench, "t.npz", f"'t.npz' cannot be read (it is no .npz archive); {NPZ}")
    np.savez("t.npz", X=X)
    refused(adbench, "t.npz", f"'t.npz' has no array 'y'; {NPZ}")
    np.savez("t.npz", X=X, y=Y[:3])
    refused(
        adbench,
        "t.npz",
        "'t.npz' has X of shape (4, 3) (float64) and 3 labels in y; expected a table of numbers "
        "with a label for each row.",
    )
    np.savez("t.npz", X=X, y=Y * 2)
    refused(adbench, "t.npz", "'t.npz': labels in y must be 0 (normal) or 1 (anomaly).")
    np.savez("t.npz", X=X.astype(object), y=Y)
    with pytest.raises(InputError, match=r"^'t\.npz' cannot be read \(Object arrays cannot be"):
        adbench("t.npz")


def test_odds_is_a_table_and_labels():
    savemat("t.mat", {"X": X.astype(np.int16), "y": Y[:, None]})
    table, is_anomaly = odds("t.mat")
    assert table.dtype == np.float64
    np.testing.assert_array_equal(table, X)
    assert is_anomaly.tolist() == [False, False, True, False]


MAT = "expected a .mat file of ODDS, with arrays X and y."


def test_odds_names_what_is_wrong():
    Path("t.mat").write_bytes(b"\x93NUMPY" * 30)
    with pytest.raises(InputError, match=r"^'t\.mat' cannot be read \(Unknown mat file type"):
        odds("t.mat")
    savemat("t.mat", {"y": Y})
    refused(odds, "t.mat", f"'t.mat' has no array 'X'; {MAT}")


def matlab_7_3():
    """Return the header that MATLAB 7.3 writes before its HDF content."""
    return b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM" + bytes(384)


def test_odds_of_version_7_3_needs_h5py(monkeypatch):
    Path("t.mat").write_bytes(matlab_7_3())
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(
        odds,
        "t.mat",
        "'t.mat' is a MATLAB 7.3 file, which needs h5py: pip install h5py. Or save it from MATLAB "
        "with -v7.",
    )


def test_odds_of_version_7_3_has_its_axes_the_other_way_round(monkeypatch):
    class File(dict):
        def __init__(self, path):
            assert path == Path("t.mat")
            super().__init__(X=X.T, y=Y[None])

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    Path("t.mat").write_bytes(matlab_7_3())
    monkeypatch.setitem(sys.modules, "h5py", types.SimpleNamespace(File=File))
    table, is_anomaly = odds("t.mat")
    np.testing.assert_array_equal(table, X)
    assert is_anomaly.tolist() == [False, False, True, False]


# KDD Cup 1999 ------------------------------------------------------------------------------


def connection(label):
    cells = ["0", "tcp", "http", "SF", "181", "5450", "0", *["0"] * 17, *["0.00"] * 7]
    return ",".join([*cells, *["9"] * (41 - len(cells)), label])


KDD = "\n".join(connection(label) for label in ("normal.", "smurf.", "normal.")) + "\n"


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_kddcup_is_a_table_and_labels(pack):
    Path("kdd").write_bytes(pack(KDD))
    table, is_attack = kddcup99("kdd")
    assert tuple(table.column_names) == COLUMNS
    assert is_attack.tolist() == [False, True, False]
    row = table.to_pylist()[0]
    assert (row["protocol_type"], row["src_bytes"], row["land"]) == ("tcp", 181, 0)
    assert kddcup99("kdd", flags_as_text=True).table["land"][0].as_py() == "0"


@pytest.mark.parametrize("text", [("protocol_type", "service", "flag"), ("land",)])
def test_kddcup_of_scikit_learn_is_the_same_table(text):
    Path("kdd").write_text(KDD)
    flags_as_text = "land" in text
    expected = kddcup99("kdd", flags_as_text=flags_as_text).table.drop_columns(
        ["logged_in", "is_host_login", "is_guest_login"]
    )
    rows = [line.split(",") for line in KDD.splitlines()]
    data = np.array(
        [
            [cell.encode() if i in (1, 2, 3) else float(cell) for i, cell in enumerate(row[:-1])]
            for row in rows
        ],
        dtype=object,
    )
    target = np.array([row[-1].encode() for row in rows], dtype=object)
    table = table_of(data, target, text)
    assert table["label"].to_pylist() == ["normal.", "smurf.", "normal."]
    assert table.select(expected.column_names).to_pydict() == expected.to_pydict()


def test_kddcup_names_what_is_wrong(monkeypatch):
    Path("kdd").write_text("a,b\n1,2\n")
    refused(
        kddcup99,
        "kdd",
        "'kdd' cannot be read (CSV parse error: Expected 42 columns, got 2: a,b); expected the "
        "raw CSV of KDD Cup 1999, 41 columns and the label, gzipped or not.",
    )

    def no_network(**options):
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_kddcup99", no_network)
    refused(
        kddcup99,
        None,
        "kddcup99: no file was given, and the sample could not be downloaded (no network); pass "
        "the path of kddcup.data_10_percent.gz.",
    )


# SKAB --------------------------------------------------------------------------------------

SKAB = (
    "datetime;Current;anomaly;changepoint\n"
    "2020-03-09 10:14:33;1.5;0.0;0.0\n"
    "2020-03-09 10:14:34;1.6;1.0;1.0\n"
)


def test_skab_of_a_file_and_of_a_folder():
    Path("d/valve1").mkdir(parents=True)
    for name in ("valve1/10.csv", "valve1/2.csv"):
        Path("d", name).write_text(SKAB)
    Path("d/free.csv").write_text("datetime;Current\n2020-02-08 13:30:47;1.5\n")
    found = skab("d")
    assert list(found) == ["free.csv", "valve1/2.csv", "valve1/10.csv"]
    table, is_anomaly = found["valve1/2.csv"]
    assert table.column_names == ["datetime", "Current"]
    assert str(table["datetime"].type) == "timestamp[s]"
    assert is_anomaly.tolist() == [False, True]
    assert found["free.csv"].is_anomaly.tolist() == [False]
    assert list(skab("d/valve1/2.csv")) == ["2.csv"]


def test_skab_names_what_is_wrong():
    end = "expected a CSV file of SKAB, separated by semicolons, with a column 'datetime'."
    refused(skab, "gone", f"'gone' does not exist; {end}")
    Path("d").mkdir()
    refused(skab, "d", "'d' holds no .csv files; expected a folder of SKAB.")
    Path("d/0.csv").write_text("a,b\n1,2\n")
    refused(skab, Path("d"), f"'{Path('d/0.csv')}' has no column 'datetime'; {end}")
    Path("d/0.csv").write_bytes("日時;a\n1;2\n".encode("cp932"))
    with pytest.raises(InputError, match=r"0\.csv' cannot be read \("):
        skab("d")


# Tennessee Eastman -------------------------------------------------------------------------


def run_of(n_rows, *, transposed=False):
    """Return a file whose cells are row + column / 100."""
    cells = np.arange(n_rows)[:, None] + np.arange(52) / 100
    lines = cells.T if transposed else cells
    return "\n".join("  ".join(f"{cell:.7e}" for cell in line) for line in lines).encode()


def test_tennessee_eastman_of_a_folder_and_of_a_file():
    Path("d").mkdir()
    Path("d/d00.dat").write_bytes(run_of(5, transposed=True))
    Path("d/d00_te.dat.gz").write_bytes(gzip.compress(run_of(4)))
    Path("d/d01_te.dat").write_bytes(run_of(162))
    Path("d/d01_te.dat.gz").write_bytes(b"a copy that is not read")
    Path("d/d01.dat").write_bytes(run_of(3))
    Path("d/LICENSE").write_text("free")
    found = tennessee_eastman("d")
    assert list(found) == ["d00", "d00_te", "d01", "d01_te"]
    assert {name: table.num_rows for name, (table, _) in found.items()} == {
        "d00": 5,
        "d00_te": 4,
        "d01": 3,
        "d01_te": 162,
    }
    table, is_anomaly = found["d00"]
    assert len(table.column_names) == 53
    assert table.column_names[:2] == ["minute", "XMEAS(1)"]
    assert table.column_names[41:43] == ["XMEAS(41)", "XMV(1)"]
    assert str(table["minute"].type) == "double"
    assert table["minute"].to_pylist() == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert table["XMV(11)"].to_pylist() == [0.51, 1.51, 2.51, 3.51, 4.51]
    assert not is_anomaly.any()
    assert not found["d00_te"].is_anomaly.any()
    assert found["d01"].is_anomaly.tolist() == [True] * 3
    assert np.flatnonzero(found["d01_te"].is_anomaly).tolist() == [160, 161]
    assert list(tennessee_eastman("d/d00_te.dat.gz")) == ["d00_te"]


def test_tennessee_eastman_names_what_is_wrong():
    end = (
        "expected a file of the Tennessee Eastman process, such as d00.dat, d00_te.dat or "
        "d01_te.dat.gz: 52 columns of numbers without a header, or these as lines."
    )
    refused(tennessee_eastman, "gone.dat", f"'gone.dat' does not exist; {end}")
    Path("d").mkdir()
    Path("d/TEP_FaultFree_Training.csv").write_text("a,b\n")
    refused(
        tennessee_eastman,
        "d",
        "'d' holds no files of the Tennessee Eastman process; expected d00.dat, d00_te.dat, "
        "d01_te.dat and so on, gzipped or not, in the folder itself.",
    )
    Path("normal.dat").write_bytes(run_of(2))
    refused(tennessee_eastman, "normal.dat", f"'normal.dat' has a name that says no fault; {end}")
    Path("d00.dat").write_text("1 2 3\n4 5 6\n")
    refused(tennessee_eastman, "d00.dat", f"'d00.dat' has 2 lines of 3 numbers; {end}")
    Path("d00.dat").write_text("")
    with pytest.raises(InputError, match=r"^'d00\.dat' has .* numbers; expected"):
        tennessee_eastman("d00.dat")
    Path("d00.dat").write_text("XMEAS(1) XMEAS(2)\n1 2\n")
    with pytest.raises(InputError, match=r"^'d00\.dat' cannot be read \(could not convert"):
        tennessee_eastman("d00.dat")


# IDX ---------------------------------------------------------------------------------------


def idx_bytes(code, array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.tobytes()


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_the_array_of_the_file(code, dtype, pack):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    Path("a").write_bytes(pack(idx_bytes(code, array)))
    found = idx("a")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype(dtype).newbyteorder("=")


def test_idx_names_what_is_wrong():
    Path("a").write_bytes(b"\x89PNG")
    refused(
        idx,
        "a",
        "'a' begins with b'\\x89PNG'; expected an IDX file, such as train-images-idx3-ubyte.gz.",
    )
    whole = idx_bytes(0x08, np.zeros((2, 3), np.uint8))
    Path("a").write_bytes(whole[:6])
    refused(idx, "a", "'a' ends in its header; copy it again.")
    Path("a").write_bytes(whole[:-1])
    refused(
        idx,
        "a",
        "'a' has 17 bytes, but an array of shape (2, 3) needs 18; copy it again.",
    )
    Path("a").write_bytes(gzip.compress(whole)[:-9])
    refused(
        idx,
        "a",
        "'a': its gzip data is damaged or cut short (Compressed file ended before the "
        "end-of-stream marker was reached); copy it again.",
    )
