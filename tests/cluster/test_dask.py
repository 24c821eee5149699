"""Two worker processes of Dask score as one process does."""

import os

import pyarrow as pa
import pytest

from cluster_tables import (
    check_fit,
    check_fleet_fit,
    check_fleet_scores,
    check_scores,
    cut,
    cut_evenly,
    fleet_of_one_process,
    mixed,
)
from dagmm.preprocessing import sampling

pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, about ports and pandas

import dagmm.cluster.dask as on_dask  # noqa: E402


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def frame_of(parts):
    """A DataFrame with a partition of each table."""
    import dask.dataframe as dd
    import pandas as pd
    from dask import delayed

    frames = [part.to_pandas(types_mapper=pd.ArrowDtype) for part in parts]
    return dd.from_delayed([delayed(frame) for frame in frames], meta=frames[0].iloc[:0])


def arrow_of(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def test_scores_are_those_of_one_process(client, folder, table):
    frame = frame_of(cut(table))
    scored = on_dask.score(folder, frame, explain=1)
    assert scored.npartitions == 7
    found = scored.compute()
    assert scored.columns.tolist() == found.columns.tolist()
    check_scores(arrow_of(found), folder, table, ["id"], ["id", "line"])


def test_a_fleet_scores_as_in_one_process(client, fleet_folder, fleet_rows):
    scored = on_dask.score(fleet_folder, frame_of(cut_evenly(fleet_rows))).compute()
    check_fleet_scores(arrow_of(scored), fleet_folder, fleet_rows)


def test_a_large_fleet_is_that_of_one_process(client, monkeypatch, tmp_path):
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    check_fleet_fit(frame_of(cut_evenly(fleet_of_one_process()[0])), tmp_path)


def test_windows_have_rows_of_an_asset_brought_together(client, window_folder, series):
    shuffled = series.take(pa.array(list(range(359, -1, -1))))
    parts = [shuffled.slice(start, 90) for start in range(0, 360, 90)]
    found = on_dask.score(window_folder, frame_of(parts)).compute()
    check_scores(arrow_of(found), window_folder, series, ["pump", "t"], ["pump", "t"])


def test_a_worker_that_is_killed_does_not_make_results_short(client, folder, table, tmp_path):
    flag = tmp_path / "killed"

    def killed_once(part):
        if len(part) > 100 and not flag.exists():
            flag.touch()
            os._exit(9)
        return part

    frame = frame_of(cut(table))
    unsafe = frame.map_partitions(killed_once, meta=frame._meta)
    found = on_dask.score(folder, unsafe).compute()
    assert flag.exists()
    check_scores(arrow_of(found), folder, table, ["id"], ["id", "line"])


def test_a_fit_of_rows_that_are_held_is_that_of_one_file(client):
    check_fit(frame_of(cut(mixed())))


def test_a_fit_of_drawn_rows_is_too_though_a_worker_is_killed(client, monkeypatch, tmp_path):
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    flag = tmp_path / "killed"

    def killed_once(part):
        if "load" in part.columns and len(part) > 100 and not flag.exists():
            flag.touch()
            os._exit(9)
        return part

    frame = frame_of(cut(mixed()))
    check_fit(frame.map_partitions(killed_once, meta=frame._meta), 100)
    assert flag.exists()
