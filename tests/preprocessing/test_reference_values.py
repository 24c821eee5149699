import numpy as np

from dagmm.preprocessing.reference_values import N_LEVELS, features_of_columns, reference_values_of


def test_features_are_grouped_by_column():
    groups = features_of_columns(("a", "b", "b", "c", "b"))
    assert {name: list(group) for name, group in groups.items()} == {
        "a": [0],
        "b": [1, 2, 4],
        "c": [3],
    }


def test_numbers_are_values_of_rows_from_the_first_to_the_99th_percentile():
    values = np.random.default_rng(0).permutation(1001).astype(np.float32)
    reference_values = reference_values_of(values[:, None], ("a",))
    np.testing.assert_array_equal(reference_values[:, 0], np.linspace(10, 990, N_LEVELS))


def test_categories_are_the_most_frequent_ones_repeated_where_there_are_fewer():
    eye = np.eye(10, dtype=np.float32)
    many = np.repeat(np.arange(10), np.arange(30, 20, -1))
    reference_values = reference_values_of(
        eye[np.random.default_rng(0).permutation(many)], ("t",) * 10
    )
    np.testing.assert_array_equal(reference_values, eye[:N_LEVELS])
    two = reference_values_of(eye[[0, 1, 1]], ("t",) * 10)
    np.testing.assert_array_equal(two, eye[[1, 0] * (N_LEVELS // 2)])


def test_a_number_and_its_mark_stay_together():
    rng = np.random.default_rng(0)
    missing = rng.random(2000) < 0.3
    features = np.stack([np.where(missing, 0.0, rng.normal(size=2000)), missing], axis=1)
    rows = features.astype(np.float32)
    reference_values = reference_values_of(rows, ("a", "a"))
    assert (np.diff(reference_values[:, 0]) >= 0.0).all()
    assert {tuple(row) for row in reference_values} <= {tuple(row) for row in rows}


def test_long_tables_are_looked_at_evenly():
    reference_values = reference_values_of(np.arange(100_000, dtype=np.float32)[:, None], ("a",))
    np.testing.assert_allclose(
        reference_values[:, 0], np.linspace(1000, 99_000, N_LEVELS), atol=10
    )


def test_a_column_of_numbers_with_a_mask_has_percentiles_however_few_rows_there_are():
    values = np.random.default_rng(0).permutation(101).astype(np.float32)
    mask = (values % 10 == 0).astype(np.float32)
    rows = np.stack([values, np.ones(101, np.float32), mask], axis=1)
    found = reference_values_of(rows, ("a", "b", "a"), n_numbers=2)
    np.testing.assert_array_equal(found[:, 0], [1, 15, 29, 43, 57, 71, 85, 99])
    np.testing.assert_array_equal(found[:, 2], found[:, 0] % 10 == 0)  # each from one row
