"""The simulated plant: the same for the same seed, correlated, and faults that are known."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dagmm._core.errors import ArgumentError
from dagmm.datasets import FAULTS, NORMAL, SENSORS, simulated_plant


@pytest.fixture(scope="module")
def tables() -> tuple[pa.Table, pa.Table]:
    return simulated_plant(seed=3)


def values_of(table: pa.Table) -> np.ndarray:
    return np.stack([table[name].to_numpy() for name in SENSORS], axis=1)


def episodes(test: pa.Table) -> list[slice]:
    """Return the rows of each fault."""
    faulty = np.array(test["fault"].to_pylist()) != NORMAL
    edges = np.flatnonzero(np.diff(np.r_[False, faulty, False].astype(int)))
    return [slice(start, stop) for start, stop in edges.reshape(-1, 2)]


def test_tables_have_time_sensors_and_what_is_wrong(tables) -> None:
    train, test = tables
    assert (train.num_rows, test.num_rows) == (4000, 2000)
    for table in tables:
        assert table.column_names == ["time", *SENSORS, "fault", "faulty_sensor"]
        assert {str(table[name].type) for name in SENSORS} == {"double"}
        assert np.isfinite(values_of(table)).all()
    times = pa.chunked_array([*train["time"].chunks, *test["time"].chunks]).to_numpy()
    assert (np.diff(times) == np.timedelta64(60, "s")).all()
    assert set(train["fault"].to_pylist()) == {NORMAL}
    assert train["faulty_sensor"].null_count == train.num_rows


def test_the_seed_decides(tables) -> None:
    again = simulated_plant(seed=3)
    assert all(one.equals(other) for one, other in zip(tables, again, strict=True))
    assert not simulated_plant(seed=4)[0].equals(tables[0])


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_gives_a_plant(seed) -> None:
    train, test = simulated_plant(300, 300, seed)
    assert np.isfinite(values_of(train)).all()
    assert np.isfinite(values_of(test)).all()


def test_sensors_are_correlated_and_repeat_in_regimes(tables) -> None:
    values = values_of(tables[0])
    correlation = np.abs(np.corrcoef(values.T))
    np.fill_diagonal(correlation, 0.0)
    assert correlation.max(axis=0).min() > 0.7
    speed = values[:, 0]
    near = [(np.abs(speed - level) < 250.0).mean() for level in (840.0, 1920.0, 2880.0)]
    assert min(near) > 0.15
    assert sum(near) > 0.85


def test_normal_readings_drift(tables) -> None:
    """Flow at full load falls as the filter clogs."""
    train = tables[0]
    speed, flow = (train[name].to_numpy() for name in ("speed", "flow"))
    clogged = (np.arange(4000) % 720) / 720
    full = speed > 2700.0
    ratio = flow / speed
    assert ratio[full & (clogged > 0.8)].mean() < 0.93 * ratio[full & (clogged < 0.2)].mean()


def test_each_fault_is_one_kind_on_one_sensor(tables) -> None:
    test = tables[1]
    kinds, sensors = (np.array(test[name].to_pylist()) for name in ("fault", "faulty_sensor"))
    assert set(kinds) == {NORMAL, *FAULTS}
    assert set(sensors) == {None, *SENSORS}
    assert ((kinds == NORMAL) == (sensors == None)).all()  # noqa: E711
    for rows in episodes(test):
        assert len(set(kinds[rows])) == len(set(sensors[rows])) == 1


def test_a_fault_changes_its_own_sensor_and_no_other() -> None:
    """Two plants that differ in their faults alone: one has no rows with faults."""
    train, test = simulated_plant(1000, 500, 7)
    same, _ = simulated_plant(1500 - 1, 1, 7)
    readings = values_of(same)
    np.testing.assert_array_equal(values_of(train), readings[:1000])
    changed = values_of(test)[:-1] != readings[1000:]
    sensors = test["faulty_sensor"].to_pylist()[:-1]
    for row, names in enumerate(changed):
        assert {SENSORS[i] for i in np.flatnonzero(names)} <= {sensors[row]}
    assert changed.any(axis=1).sum() > 200


def test_faults_are_as_described(tables) -> None:
    train, test = tables
    usual, values = values_of(train), values_of(test)
    kinds, sensors = test["fault"].to_pylist(), test["faulty_sensor"].to_pylist()
    lengths = {kind: set() for kind in FAULTS}
    for rows in episodes(test):
        kind, column = kinds[rows.start], SENSORS.index(sensors[rows.start])
        lengths[kind].add(rows.stop - rows.start)
        if kind == "frozen":
            assert np.ptp(values[rows, column]) == 0.0
        if kind == "lost":
            low = usual[:, column].min() - 0.25 * np.ptp(usual[:, column])
            np.testing.assert_array_equal(values[rows, column], low)
        if kind == "spike":
            before = values[rows.start - 1, column]
            far = np.abs(values[rows, column] - before) / usual[:, column].std()
            assert ((far > 3.0) & (far < 9.0)).all()
    expected = {kind: {30} for kind in FAULTS} | {"spike": {3}, "frozen": {120}}
    assert lengths == expected


def test_a_short_test_table_has_no_fault_that_does_not_fit() -> None:
    _, test = simulated_plant(100, 22, 0)
    assert pc.all(pc.equal(test["fault"], NORMAL)).as_py()


@pytest.mark.parametrize("name", ["n_train", "n_test"])
def test_a_table_has_at_least_one_row(name) -> None:
    message = f"{name} must be an int >= 1, got 0."
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        simulated_plant(**{name: 0})
