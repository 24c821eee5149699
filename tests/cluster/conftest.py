"""Models that every engine scores with."""

import numpy as np
import pyarrow as pa
import pytest

from cluster_tables import plant
from dagmm import DAGMMDetector, TableWarning
from fleets import fleet_table, tiny_fleet
from small_fits import TINY


@pytest.fixture(scope="session")
def table():
    return plant()


@pytest.fixture(scope="session")
def folder(tmp_path_factory, table):
    """A saved model of rows that are scored by themselves."""
    place = tmp_path_factory.mktemp("model") / "model"
    DAGMMDetector(n_members=2, config=TINY).fit(table.drop_columns(["id", "line"])).save(place)
    return place


@pytest.fixture(scope="session")
def series():
    """Rows of three assets in time, in order."""
    rng = np.random.default_rng(2)
    n_rows = 120
    parts = []
    for asset in ("p1", "p2", "p3"):
        level = rng.normal(size=n_rows)
        parts.append(
            pa.table(
                {
                    "pump": [asset] * n_rows,
                    "t": np.arange(n_rows, dtype=float) * 10.0,
                    "a": level,
                    "b": level + 0.1 * rng.normal(size=n_rows),
                }
            )
        )
    return pa.concat_tables(parts)


@pytest.fixture(scope="session")
def window_folder(tmp_path_factory, series):
    """A saved model of windows by asset."""
    place = tmp_path_factory.mktemp("model") / "windows"
    config = {**TINY, "densities": {"row_mixture": {"candidates": [1]}, "input_mixture": {}}}
    detector = DAGMMDetector(n_members=2, config=config, time="t", group="pump", window=4)
    detector.fit(series).save(place)
    return place


@pytest.fixture(scope="session")
def fleet_rows():
    """Rows of the assets of a fleet, one of them scored by the model of all, with a name each."""
    table = pa.concat_tables([fleet_table(n_rows=20, seed=8), fleet_table(("p9",), 20)])
    return table.append_column("id", pa.array(range(table.num_rows)))


@pytest.fixture(scope="session")
def fleet_folder(tmp_path_factory):
    """A saved fleet, one of whose assets has no model of its own."""
    place = tmp_path_factory.mktemp("fleet") / "fleet"
    with pytest.warns(TableWarning, match="^pump 'p9' is scored by the model of all assets"):
        tiny_fleet().fit(pa.concat_tables([fleet_table(), fleet_table(("p9",), 30)])).save(place)
    return place
