"""A local Ray with two workers scores as one process does."""

import os

import pyarrow as pa
import pytest

from cluster_tables import (
    check_fit,
    check_fleet_scores,
    check_scores,
    cut,
    cut_evenly,
    mixed,
)
from dagmm.preprocessing import sampling

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own

import dagmm.cluster.ray as on_ray  # noqa: E402


@pytest.fixture(scope="module")
def engine():
    paths = os.environ.get("PYTHONPATH", "")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=2**28,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def arrow_of(dataset):
    return pa.concat_tables(ray.get(dataset.to_arrow_refs()))


def test_scores_are_those_of_one_process(engine, folder, table):
    parts = [part.combine_chunks() for part in cut(table)]
    scored = on_ray.score(folder, ray.data.from_arrow(parts), explain=1)
    check_scores(arrow_of(scored), folder, table, ["id"], ["id", "line"])


def test_a_fleet_scores_as_in_one_process(engine, fleet_folder, fleet_rows):
    parts = [part.combine_chunks() for part in cut_evenly(fleet_rows)]
    scored = on_ray.score(fleet_folder, ray.data.from_arrow(parts))
    check_fleet_scores(arrow_of(scored), fleet_folder, fleet_rows)


def test_workers_run_a_function_on_each_item(engine, table):
    found = on_ray.table_of(ray.data.from_arrow(table)).apart(lambda item: item + 1, [1, 2, 3])
    assert sorted(found) == [2, 3, 4]


def test_windows_have_rows_of_an_asset_brought_together(engine, window_folder, series):
    shuffled = series.take(pa.array(list(range(359, -1, -1))))
    parts = [shuffled.slice(start, 90).combine_chunks() for start in range(0, 360, 90)]
    scored = on_ray.score(window_folder, ray.data.from_arrow(parts))
    check_scores(arrow_of(scored), window_folder, series, ["pump", "t"], ["pump", "t"])


def test_a_worker_that_is_killed_does_not_make_results_short(engine, folder, table, tmp_path):
    flag = tmp_path / "killed"

    def killed_once(part):
        if part.num_rows > 100 and not flag.exists():
            flag.touch()
            os._exit(9)
        return part

    parts = [part.combine_chunks() for part in cut(table)]
    unsafe = ray.data.from_arrow(parts).map_batches(killed_once, batch_format="pyarrow")
    found = arrow_of(on_ray.score(folder, unsafe))
    check_scores(found, folder, table, ["id"], ["id", "line"])


def test_a_fit_of_rows_that_are_held_is_that_of_one_file(engine):
    parts = [part.combine_chunks() for part in cut(mixed())]
    check_fit(ray.data.from_arrow(parts))


def test_a_fit_of_drawn_rows_is_too_though_a_worker_is_killed(engine, monkeypatch, tmp_path):
    from dagmm.cluster.jobs import PassJob

    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    flag, run = tmp_path / "killed", PassJob.run

    class Killed(PassJob):
        def run(self, batches):
            if self.place.n_rows > 100 and not flag.exists():
                flag.touch()
                os._exit(9)
            return run(self, batches)

    monkeypatch.setattr("dagmm.cluster.rows.PassJob", Killed)
    parts = [part.combine_chunks() for part in cut(mixed())]
    check_fit(ray.data.from_arrow(parts), 100)
    assert flag.exists()
