import numpy as np

from dagmm.preprocessing.windows.nonstationary import explained_by_others, nonstationary_features

ONE = np.zeros(400, np.int64)


def columns(*parts):
    return np.stack(parts, axis=1).astype(np.float32)


def scaled(values):
    return (values - values.mean()) / values.std()


def test_walks_and_trends_are_nonstationary_noise_and_waves_are_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400)
    wave = np.sin(np.arange(400))
    walk = scaled(rng.normal(size=400).cumsum())
    trend = scaled(np.arange(400) + rng.normal(size=400))
    constant = np.zeros(400)
    found = nonstationary_features(columns(noise, wave, walk, constant), ONE)
    assert found.tolist() == [False, False, True, False]
    assert nonstationary_features(columns(noise, trend), ONE).tolist() == [False, True]


def test_more_rows_show_where_a_slow_level_may_be():
    rng = np.random.default_rng(1)
    slow = np.repeat(rng.normal(size=400), 30)[:, None].astype(np.float32)
    assert nonstationary_features(slow[:400], ONE).all()
    assert not nonstationary_features(slow, np.zeros(len(slow), np.int64)).any()


def test_what_the_others_explain_is_stationary():
    rng = np.random.default_rng(2)
    walk = scaled(rng.normal(size=400).cumsum())
    other = scaled(rng.normal(size=400).cumsum())
    follows = scaled(walk + 0.1 * rng.normal(size=400))
    rows = columns(walk, follows, other, rng.normal(size=400))
    assert nonstationary_features(rows, ONE).tolist() == [False, False, True, False]


def test_what_assets_differ_in_is_stationary():
    rng = np.random.default_rng(3)
    asset = np.repeat(np.arange(4), 100)
    rows = columns(10.0 * asset + rng.normal(size=400))
    assert not nonstationary_features(rows, asset).any()
    assert nonstationary_features(rows, ONE).all()


def test_assets_of_few_rows_say_nothing():
    rows = columns(np.arange(30.0))
    assert not nonstationary_features(rows, np.zeros(30, np.int64)).any()


def test_what_is_explained_is_the_squared_multiple_correlation():
    """The oracle: least squares, of many rows, where shrinking does next to nothing."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100_000, 3))
    x[:, 2] = x[:, 0] - x[:, 1] + 0.4 * rng.normal(size=100_000)
    centred = x - x.mean(axis=0)
    explained = explained_by_others(x.astype(np.float32))
    for i in range(3):
        others = np.delete(centred, i, axis=1)
        rest = centred[:, i] - others @ np.linalg.lstsq(others, centred[:, i])[0]
        assert explained[i] == (1.0 - rest.var() / x[:, i].var() > 0.9)
    assert explained.tolist() == [False, False, True]
    assert not explained_by_others(np.zeros((10, 2), np.float32)).any()
