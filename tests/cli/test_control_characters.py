"""Control characters of a table reach neither a terminal nor a page."""

import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from command import run
from small_fits import tiny_config

RED = "\x1b[31mred"
SHOWN = r"\x1b[31mred"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            RED: rng.normal(size=80),
            "\x9b2Jwiped": np.where(rng.random(80) < 0.5, RED, "\x07bell"),
            "\x00nothing": ["\x1b]0;title\x07"] * 80,
            "constant\nid": [f"{RED}{i}" for i in range(80)],
            "label": np.where(rng.random(80) < 0.1, RED, "fine"),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    return tmp_path


def test_nothing_raw_is_shown(there: Path) -> None:
    label = ("--label", "label", "--normal", "fine")
    outputs = [
        run("fit", "t.parquet", "-o", "m", "--members", "1", *label),
        run("info", "m"),
        run("info", "m", "--json"),
        run("explain", "m", "t.parquet", "-o", "why.csv", "--all"),
        run("score", "m", "t.parquet", "-o", "s.csv"),
        run("fit", "t.parquet", "-o", RED, "--drop", RED + "?"),
        run("report", "m", "t.parquet", "-o", "r.html", "--no-compare"),
    ]
    assert [one.exit_code for one in outputs] == [0, 0, 0, 0, 0, 1, 0], outputs
    for one in outputs:
        assert one.output.replace("\n", "").isprintable(), one.output
    assert SHOWN in outputs[1].output
    assert f"--drop {SHOWN}?: 't.parquet' has no such column" in outputs[5].stderr
    page = Path("r.html").read_text("utf-8")
    assert SHOWN in page
    assert {one for one in page if unicodedata.category(one) == "Cc"} <= {"\n", "\t"}
