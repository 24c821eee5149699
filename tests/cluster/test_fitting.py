"""A fit of partitions is that of one file, wherever they are cut; what changes is noticed."""

import pickle
import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from cluster_tables import check_fit, cut, cut_evenly, mixed
from dagmm import DAGMM, ArgumentError, DAGMMDetector, DAGMMFleet, InputError, TableWarning
from dagmm.cluster import fitting
from dagmm.cluster.jobs import OTHERS, Apart, Engine, Job
from dagmm.estimators import fleet_fit
from dagmm.preprocessing import sampling
from fleets import fleet_table, tiny_fleet
from small_fits import TINY, tiny_dagmm

#: Of so few rows drawn none can be held out.
pytestmark = pytest.mark.filterwarnings("ignore::dagmm.TableWarning")


class Parts(Engine):
    """Partitions in memory, whose jobs travel as they do to workers."""

    name = "the table in parts"

    def __init__(self, parts):
        self.parts, self.columns, self.read = parts, tuple(parts[0].column_names), []
        self.n_apart = 0

    @property
    def untyped(self):
        return self.columns

    @property
    def schema(self):
        return pa.schema([])

    def run(self, jobs, names):
        self.read.append(names)
        if isinstance(jobs, Job):
            jobs = dict.fromkeys(range(len(self.parts)), jobs)
        found = {}
        for i, part in enumerate(self.parts):
            job = jobs.get(i, jobs.get(OTHERS))
            if job is not None:
                batches = part.select(list(names)).to_batches(max_chunksize=64)
                found[i] = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(job))(batches)))
        return found

    def apart(self, function, items):
        travels = pickle.dumps(Apart(function))
        for item in items:
            self.n_apart += 1
            yield pickle.loads(pickle.dumps(pickle.loads(travels)(item)))


@pytest.fixture(autouse=True)
def in_parts(monkeypatch):
    monkeypatch.setattr(fitting, "engine_of", lambda table: table)


@pytest.fixture
def drawn(monkeypatch):
    """Rows are drawn from tables of more than a hundred."""
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)


def test_a_table_that_is_held_whole_gives_the_model_of_one_file():
    check_fit(Parts(cut(mixed())))


def test_a_larger_one_gives_it_as_well(drawn):
    check_fit(Parts(cut(mixed())), n_drawn=100)


def test_moments_of_all_rows_are_merged(drawn):
    numbers = mixed().select(["load", "flow", "count"])
    whole = tiny_dagmm().fit(pa.concat_tables(cut(numbers)))
    ours = fitting.fit(Parts(cut(numbers)), tiny_dagmm())
    assert isinstance(ours, DAGMM)
    assert ours.model_.record.drawn_rows == 100
    np.testing.assert_allclose(ours.predict(numbers), whole.predict(numbers), rtol=1e-9, atol=1e-9)


def test_rows_whose_encoded_form_is_held_stay_where_they_are(monkeypatch):
    # More values than are held, but not of the columns that are used: nothing is drawn.
    table = mixed().select(["load", "flow", "count", "at"])
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 400 * 3)
    arguments = {"n_members": 1, "config": TINY, "drop": ["count"], "time": "at"}
    whole = DAGMMDetector(**arguments).fit(pa.concat_tables(cut(table)))
    engine = Parts(cut(table))
    ours = fitting.fit(engine, DAGMMDetector(**arguments))
    assert whole.model_.record.drawn_rows is ours.model_.record.drawn_rows is None
    np.testing.assert_array_equal(ours.energy(table), whole.energy(table))


@pytest.mark.parametrize("n_parts", [1, 3, 40])
def test_where_partitions_are_cut_does_not_matter(drawn, n_parts):
    table = mixed().select(["load", "flow", "count"])
    places = np.linspace(0, 400, n_parts + 1).astype(int)
    parts = [table.slice(a, b - a) for a, b in pairwise(places)]
    models = [fitting.fit(Parts(some), tiny_dagmm()) for some in (parts, [table])]
    np.testing.assert_allclose(*(one.predict(table) for one in models), rtol=1e-9, atol=1e-9)


def test_a_value_that_cannot_be_used_is_named_by_its_row_in_the_whole_table(drawn):
    parts = cut(mixed().select(["load", "count"]))
    values = parts[3]["load"].to_numpy().copy()
    values[7] = np.inf
    parts[3] = parts[3].set_column(0, "load", pa.array(values))
    with pytest.raises(
        InputError, match=r"^column 'load' holds 1 infinite value, first at row 60"
    ):
        fitting.fit(Parts(parts))


class Changing(Parts):
    """Partitions that are other ones from some pass on."""

    def __init__(self, parts, later, n_passes):
        super().__init__(parts)
        self.later, self.n_passes = later, n_passes

    def run(self, jobs, names):
        if len(self.read) == self.n_passes:
            self.parts = self.later
        return super().run(jobs, names)


def later_parts(kind):
    parts = cut(mixed().select(["load", "flow", "count"]))
    if kind == "fewer rows":
        return parts, [*parts[:6], parts[6].slice(1)]
    if kind == "a partition less":
        return parts, parts[:6]
    if kind == "a partition more":
        return parts, [*parts, parts[0]]
    backwards = parts[6].take(pa.array(np.arange(parts[6].num_rows)[::-1]))
    return parts, [*parts[:6], backwards]


@pytest.mark.parametrize(
    ("kind", "n_passes", "message"),
    [
        (
            "fewer rows",
            2,
            "partition 6 of the table in parts had 146 rows when they were counted ",
        ),
        ("a partition less", 2, "partition 6 of the table in parts had 146 rows when they were "),
        ("a partition more", 2, "the table in parts has more partitions than when its rows were "),
        ("another order", 4, "rows of the table changed, or changed places, between two passes "),
    ],
)
def test_rows_that_change_while_they_are_read_are_an_error(drawn, kind, n_passes, message):
    with pytest.raises(InputError, match="^" + re.escape(message)):
        fitting.fit(Changing(*later_parts(kind), n_passes), tiny_dagmm())


def test_types_of_partitions_have_to_go_together(drawn):
    parts = [
        pa.table({"a": [1, 2], "b": [1.0, 2.0]}),
        pa.table({"a": ["x", "y"], "b": [1.0, 2.0]}),
    ]
    with pytest.raises(
        InputError, match=r"^columns of the table in parts have other types in oth"
    ):
        fitting.fit(Parts(parts))
    empty = pa.table({"a": pa.nulls(0), "b": pa.nulls(0)})
    numbers = mixed().select(["load", "count"]).rename_columns(["b", "a"])
    found = fitting.fit(Parts([empty, numbers]), tiny_dagmm())
    assert found.model_.encoder.columns == ("a", "b")


def test_large_windows_are_refused(drawn):
    with pytest.raises(
        ArgumentError, match=r"^windows are fitted in the memory of one process, a"
    ):
        fitting.fit(Parts(cut(mixed())), DAGMMDetector(time="at", window=4))


@pytest.mark.parametrize("most_rows", [None, 150], ids=["held", "some_assets_at_a_time"])
def test_a_fleet_is_that_of_one_process_and_goes_on(monkeypatch, tmp_path, most_rows):
    """Five assets of 60 rows and one of too few; of a larger table two are held at a time."""
    monkeypatch.setattr(sampling, "MOST_ROWS", most_rows or sampling.MOST_ROWS)
    monkeypatch.setattr(fleet_fit, "MOST_ROWS_OF_ALL", 200)
    table = pa.concat_tables([fleet_table(n_rows=60), fleet_table(("p9",), 20)])
    table = table.take(pa.array(np.random.default_rng(4).permutation(table.num_rows)))
    with pytest.warns(TableWarning, match="^pump 'p9' is scored by the model of all assets"):
        same = tiny_fleet(least_rows=30).fit(table)
    parts = Parts(cut_evenly(table))
    with pytest.warns(TableWarning, match="^pump 'p9' is scored by the model of all assets"):
        fleet = fitting.fit(parts, tiny_fleet(least_rows=30), checkpoint=tmp_path)
    assert parts.n_apart == 5
    assert fleet.assets_ == same.assets_
    np.testing.assert_array_equal(fleet.energy(table), same.energy(table))
    np.testing.assert_array_equal(DAGMMFleet.load(tmp_path).energy(table), same.energy(table))
    again = Parts(cut_evenly(table))
    with pytest.warns(TableWarning, match="^pump 'p9' is scored by the model of all assets"):
        fitting.fit(again, tiny_fleet(least_rows=30), checkpoint=tmp_path)
    assert again.n_apart == 0


def test_a_large_fleet_of_windows_or_without_its_column_is_refused(drawn):
    parts = Parts(cut(mixed()))
    with pytest.raises(
        ArgumentError, match=r"^windows are fitted in the memory of one process, a"
    ):
        fitting.fit(parts, tiny_fleet(time="at", window=4))
    message = "the table in parts has no column 'pump', which names the asset of a row. It has"
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        fitting.fit(parts, tiny_fleet())


def test_a_row_of_a_large_fleet_without_an_asset_is_named(drawn):
    parts = cut(mixed().append_column("pump", pa.array(["p1"] * 399 + [None])))
    row = pa.concat_tables(parts)["pump"].to_pylist().index(None)
    with pytest.raises(InputError, match=f"^column 'pump' names no asset in row {row}; each row"):
        fitting.fit(Parts(parts), tiny_fleet())


def test_other_tables_and_detectors_are_refused(monkeypatch):
    monkeypatch.undo()
    with pytest.raises(
        ArgumentError, match=r"^table must be a Dask DataFrame, a Ray Dataset or a"
    ):
        fitting.fit(mixed())
    with pytest.raises(
        ArgumentError, match=r"^detector must be a DAGMMDetector, a DAGMM or a DAG"
    ):
        fitting.fit(mixed(), "detector")


def test_a_table_without_rows_is_refused():
    with pytest.raises(InputError, match=r"^the table in parts has no rows; expected at "):
        fitting.fit(Parts([mixed().slice(0, 0)] * 2))
    with pytest.raises(InputError, match=r"^expected at least 2 rows and 1 column, got"):
        fitting.fit(Parts([mixed().slice(0, 1)]))
