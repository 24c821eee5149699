"""The command on files of any format, encoding and compression, and on several at once."""

from pathlib import Path

import pyarrow.csv as arrow_csv
import pytest

from command import failure, run, sensors
from small_fits import tiny_config


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A table with Japanese in it, and a model that was fitted to it."""
    home = tmp_path_factory.mktemp("fitted")
    tools = ["ドリル" if tool == "drill" else "旋盤" for tool in sensors()["tool"].to_pylist()]
    table = sensors().set_column(3, "工具", [tools])
    arrow_csv.write_csv(table, home / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        options = ("--id", "part", "--id", "工具", "--label", "fault", "--members", "1")
        result = run("fit", str(home / "t.csv"), "-o", str(home / "model"), *options)
    assert result.exit_code == 0, result.output
    return home


@pytest.fixture(autouse=True)
def _there(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    for name in ("t.csv", "model"):
        Path(name).symlink_to(fitted / name)


@pytest.mark.parametrize("command", ["score", "explain"])
def test_what_is_written_opens_in_excel(command):
    for output, options in (("o.csv", ()), ("x.csv", ("--output-encoding", "utf-8-sig"))):
        result = run(command, "model", "t.csv", "-o", output, *options)
        assert result.exit_code == 0, result.output
    marked = Path("x.csv").read_bytes()
    assert marked.startswith("\ufeffpart,工具,".encode())
    assert marked.decode("utf-8-sig") == Path("o.csv").read_text("utf-8")
    assert (
        run(command, "model", "t.csv", "-o", "j.csv", "--output-encoding", "cp932").exit_code == 0
    )
    assert Path("j.csv").read_text("cp932") == Path("o.csv").read_text("utf-8")
    assert failure(command, "model", "t.csv", "-o", "o.pq", "--output-encoding", "cp932") == (
        "dagmm: output_encoding is that of CSV, which 'o.pq' is not; leave it out.\n"
    )
