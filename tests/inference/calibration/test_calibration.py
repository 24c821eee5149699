import numpy as np

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution

TYPICAL = np.zeros((8, 1), np.float32)


def test_unseen_rows_say_more_than_training_rows():
    known = Calibration(TYPICAL, EmpiricalDistribution.of(np.arange(10.0)))
    assert known.reference is known.training
    assert known.reference_are == "training rows"
    more = known.with_held_out(np.arange(5.0), "rows of tomorrow")
    assert more.reference.n_rows == 5
    assert more.reference_are == "rows of tomorrow"
    assert more.training is known.training
    assert known.held_out is None


def test_the_tail_is_that_of_the_fairest():
    energy = np.random.default_rng(0).exponential(size=1000)
    few = Calibration(TYPICAL, EmpiricalDistribution.of(energy[:100]))
    assert few.tail is None
    assert few.with_held_out(energy, "others").tail.share == 0.05
