"""What a user passes as a path, and what is left to others."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dagmm.data.files.open import open_table
from dagmm.data.paths import rows_in, stored_rows


def test_only_some_columns_are_read_and_some_as_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = {"number": [0.5] * 3, "bool": [True, False, None], "text": ["a"] * 3}
    category = pa.array(["x", "y", "x"]).dictionary_encode()
    pq.write_table(pa.table(columns | {"category": category}), "t.parquet")
    rows = stored_rows("t.parquet").only(("text", "number", "nowhere"))
    assert rows.names == ("number", "text")
    assert rows.read().column_names == ["number", "text"]
    told = rows_in(open_table("t.parquet"), ("bool", "category"), ("bool",))
    assert told.schema == pa.schema(
        [("bool", pa.string()), ("category", pa.dictionary(pa.int32(), pa.string()))]
    )
    assert set(told.read()["bool"].to_pylist()) == {"true", "false", None}


def test_what_is_no_file_is_left_to_others():
    assert stored_rows(np.zeros((2, 2))) is None
    assert stored_rows([[1.0, 2.0]]) is None
    assert stored_rows(pa.table({"a": [1, 2]})) is None
