from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest

from dagmm.evaluation.baselines.optimise import DescentConfig, Gradient, descend

CONFIG = DescentConfig(batch_size=32, n_steps=1200, learning_rate=0.05)


@dataclass(frozen=True)
class ToTheMean(Gradient):
    """Gradient of half the mean squared distance to a point."""

    broken: bool = False

    def __call__(self, point, x):
        gap = (point["at"][:, None] - x).mean(axis=1)
        return {"at": jnp.where(self.broken & (x[0, 0] > 0), jnp.nan, gap)}


def rows():
    return np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


def start():
    return {"at": np.full(3, 5.0, np.float32)}


def found(config=CONFIG, seed=0, **options):
    rng = np.random.default_rng(seed)
    return descend(ToTheMean(**options), start(), rows(), config, rng)["at"]


@pytest.mark.parametrize("broken", [False, True], ids=["every step", "half of the steps"])
def test_it_gets_to_the_minimum_and_leaves_out_steps_that_are_not_finite(broken):
    np.testing.assert_allclose(found(broken=broken), rows().mean(axis=0), atol=0.12)


def test_the_first_step_is_as_long_as_the_rate():
    one = DescentConfig(32, 1, 0.05)
    np.testing.assert_allclose(found(one), 5.0 - 0.05, rtol=1e-4)


def test_the_generator_decides():
    np.testing.assert_array_equal(found(), found())
    assert (found() != found(seed=1)).all()
    assert isinstance(found(), np.ndarray)
