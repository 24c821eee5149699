import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from dagmm.networks.dropout import fold_in, keep_mask, seed_of

SHAPE = (40, 500)


def a_seed(number):
    return seed_of(np.random.SeedSequence(number))


def draws(seeds, dropped=0.2, shape=SHAPE):
    return np.stack([np.asarray(keep_mask(seed, dropped, shape)) for seed in seeds])


def children(n=200):
    return [fold_in(a_seed(0), number) for number in range(n)]


def correlation(one, other):
    """In standard deviations of what independent draws would have."""
    pairs = np.stack([one.ravel(), other.ravel()]).astype(np.float64)
    return np.corrcoef(pairs)[0, 1] * np.sqrt(pairs.shape[1])


def test_a_seed_decides_and_its_children_differ():
    one, again, other = draws([a_seed(0), a_seed(0), a_seed(1)])
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    words = np.stack([np.asarray(child) for child in children(1000)])
    assert words.dtype == np.uint32
    assert len(np.unique(words)) > 1990  # of 2,000 words, as good as all differ


def test_a_program_draws_what_is_drawn_outside():
    def draw(seed, step):
        return keep_mask(fold_in(seed, step), 0.3, SHAPE)

    seed = a_seed(3)
    outside = draw(seed, 7)
    np.testing.assert_array_equal(jax.jit(draw)(seed, jnp.int32(7)), outside)


@pytest.mark.parametrize("dropped", [0.01, 0.2, 0.5, 0.75, 0.999])
def test_so_many_are_dropped_as_it_is_told(dropped):
    stay = draws(children(50), dropped)
    deviation = np.sqrt(dropped * (1.0 - dropped) / stay.size)
    assert stay.mean() == pytest.approx(1.0 - dropped, abs=4.0 * deviation)


def test_nothing_is_dropped_at_zero_and_nearly_all_just_below_one():
    assert draws([a_seed(0)], 0.0).all()
    assert not draws([a_seed(0)], 1.0 - 1e-9).any()


@pytest.mark.parametrize("axis", [(1, 2), (0, 2), (0, 1)], ids=["draw", "feature", "row"])
def test_each_draw_feature_and_row_loses_as_many_as_chance_has_it(axis):
    stay = draws(children())
    n = np.prod([stay.shape[i] for i in axis])
    share = stay.mean(axis=axis)
    square = (n * (share - 0.8) ** 2 / (0.8 * 0.2)).sum()
    assert 1e-3 < stats.chi2.cdf(square, len(share)) < 1.0 - 1e-3


@pytest.mark.parametrize("lag", [1, 2, 7, 39])
def test_neighbours_are_independent(lag):
    stay = draws(children())
    for one, other in (
        (stay[:-lag], stay[lag:]),
        (stay[:, :-lag], stay[:, lag:]),
        (stay[:, :, :-lag], stay[:, :, lag:]),
    ):
        assert abs(correlation(one, other)) < 4.0


def test_seeds_that_are_close_draw_independently():
    seeds = [np.array([number, 0], np.uint32) for number in range(200)]
    stay = draws(seeds)
    assert abs(correlation(stay[:-1], stay[1:])) < 4.0
    assert abs(correlation(stay[:-1, :, 1:], stay[1:, :, :-1])) < 4.0
