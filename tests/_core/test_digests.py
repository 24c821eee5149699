import numpy as np

from dagmm._core.digests import check_of

FEATURES = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
NUMBERS = np.arange(7, 57)


def test_parts_add_up_to_the_check_of_the_whole():
    parts = [(FEATURES[a:b], NUMBERS[a:b]) for a, b in ((0, 20), (20, 20), (20, 50))]
    assert sum(check_of(*part) for part in parts) % 2**64 == check_of(FEATURES, NUMBERS)


def test_rows_that_changed_or_changed_places_have_another_check():
    known = check_of(FEATURES, NUMBERS)
    other = FEATURES.copy()
    other[3, 1] = np.nextafter(other[3, 1], np.float32(9))
    swapped = FEATURES.copy()
    swapped[[4, 5]] = swapped[[5, 4]]
    for features, numbers in ((other, NUMBERS), (swapped, NUMBERS), (FEATURES, NUMBERS + 1)):
        assert check_of(features, numbers) != known
