import numpy as np

from dagmm.preprocessing.reference_values import N_LEVELS, features_of_columns, typical_values


def test_features_are_grouped_by_column():
    groups = features_of_columns(("a", "b", "b", "c", "b"))
    assert {name: list(group) for name, group in groups.items()} == {
        "a": [0],
        "b": [1, 2, 4],
        "c": [3],
    }


def test_numbers_are_values_of_rows_from_the_first_to_the_99th_percentile():
    values = np.random.default_rng(0).permutation(1001).astype(np.float32)
    typical = typical_values(values[:, None], ("a",))
    np.testing.assert_array_equal(typical[:, 0], np.linspace(10, 990, N_LEVELS))


def test_categories_are_the_most_frequent_ones_repeated_where_there_are_fewer():
    eye = np.eye(10, dtype=np.float32)
    many = np.repeat(np.arange(10), np.arange(30, 20, -1))
    typical = typical_values(eye[np.random.default_rng(0).permutation(many)], ("t",) * 10)
    np.testing.assert_array_equal(typical, eye[:N_LEVELS])
    two = typical_values(eye[[0, 1, 1]], ("t",) * 10)
    np.testing.assert_array_equal(two, eye[[1, 0] * (N_LEVELS // 2)])


def test_a_number_and_its_mark_stay_together():
    rng = np.random.default_rng(0)
    missing = rng.random(2000) < 0.3
    features = np.stack([np.where(missing, 0.0, rng.normal(size=2000)), missing], axis=1)
    rows = features.astype(np.float32)
    typical = typical_values(rows, ("a", "a"))
    assert (np.diff(typical[:, 0]) >= 0.0).all()
    assert {tuple(row) for row in typical} <= {tuple(row) for row in rows}


def test_long_tables_are_looked_at_evenly():
    typical = typical_values(np.arange(100_000, dtype=np.float32)[:, None], ("a",))
    np.testing.assert_allclose(typical[:, 0], np.linspace(1000, 99_000, N_LEVELS), atol=10)
