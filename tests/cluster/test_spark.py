"""A local Spark with two workers scores as one process does."""

import os
import sys

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

pyspark = pytest.importorskip("pyspark")
pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own, about pandas and resources

import dagmm.cluster.spark as on_spark  # noqa: E402
from dagmm import ArgumentError  # noqa: E402


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2, 2]")  # each task is tried twice
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.unionOutputPartitioning", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def frame_of(spark, parts, tmp_path):
    """A DataFrame with a partition of each table; Parquet keeps its types."""
    import pyarrow.parquet as pq

    whole = None
    for i, part in enumerate(parts):
        pq.write_table(part, tmp_path / f"{i}.parquet")
        one = spark.read.parquet(str(tmp_path / f"{i}.parquet")).coalesce(1)
        whole = one if whole is None else whole.unionByName(one)
    return whole


def test_scores_are_those_of_one_process(spark, folder, table, tmp_path):
    frame = frame_of(spark, cut(table), tmp_path)
    scored = on_spark.score(folder, frame, explain=1)
    assert scored.rdd.getNumPartitions() == 7
    check_scores(scored.toArrow(), folder, table, ["id"], ["id", "line"])


def test_a_fleet_scores_as_in_one_process(spark, fleet_folder, fleet_rows, tmp_path):
    frame = frame_of(spark, cut_evenly(fleet_rows), tmp_path)
    scored = on_spark.score(fleet_folder, frame).toArrow()
    check_fleet_scores(scored, fleet_folder, fleet_rows)


def test_workers_run_a_function_on_each_item(spark, table, tmp_path):
    engine = on_spark.table_of(frame_of(spark, [table], tmp_path))
    assert sorted(engine.apart(lambda item: item + 1, [1, 2, 3])) == [2, 3, 4]
    assert list(engine.apart(abs, [])) == []


def test_windows_have_rows_of_an_asset_brought_together(spark, window_folder, series, tmp_path):
    shuffled = series.take(pa.array(list(range(359, -1, -1))))
    parts = [shuffled.slice(start, 90) for start in range(0, 360, 90)]
    scored = on_spark.score(window_folder, frame_of(spark, parts, tmp_path))
    check_scores(scored.toArrow(), window_folder, series, ["pump", "t"], ["pump", "t"])


def test_a_worker_that_is_killed_does_not_make_results_short(spark, folder, table, tmp_path):
    frame = frame_of(spark, cut(table), tmp_path)
    flag = tmp_path / "killed"

    def killed_once(batches):
        for batch in batches:
            if batch.num_rows > 100 and not flag.exists():
                flag.touch()
                os._exit(9)
            yield batch

    unsafe = frame.mapInArrow(killed_once, frame.schema)
    scored = on_spark.score(folder, unsafe).toArrow()
    assert flag.exists()
    check_scores(scored, folder, table, ["id"], ["id", "line"])


def test_a_fit_of_rows_that_are_held_is_that_of_one_file(spark, tmp_path):
    check_fit(frame_of(spark, cut(mixed()), tmp_path))


def test_a_fit_of_drawn_rows_is_too_though_a_worker_is_killed(spark, monkeypatch, tmp_path):
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    frame = frame_of(spark, cut(mixed()), tmp_path)
    flag = tmp_path / "killed"

    def killed_once(batches):
        for batch in batches:
            if batch.num_rows > 100 and not flag.exists():
                flag.touch()
                os._exit(9)
            yield batch

    check_fit(frame.mapInArrow(killed_once, frame.schema), 100)
    assert flag.exists()


def test_a_missing_column_is_said_before_spark_begins(spark, folder, table, tmp_path):
    frame = frame_of(spark, [table], tmp_path).drop("load")
    with pytest.raises(ValueError, match=r"^the table has no column 'load', which the model was"):
        on_spark.score(folder, frame)
    with pytest.raises(ArgumentError, match=r"^passed names column 'x', which the table does no"):
        on_spark.score(folder, frame_of(spark, [table], tmp_path), passed=["x"])
