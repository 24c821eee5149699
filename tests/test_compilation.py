"""Programs are compiled with our options, and the oldest do not use up the process."""

import numpy as np

from dagmm import DAGMM, compilation, scoring, training


def test_a_process_that_fits_tables_of_many_shapes_forgets_the_first(monkeypatch):
    monkeypatch.setattr(compilation, "MOST_SHAPES", 3)
    program = compilation.compiled(lambda x: x + 1.0)
    for n in range(1, 20):
        compilation.make_room(program)
        np.testing.assert_array_equal(program(np.zeros(n, np.float32)), np.ones(n))
        assert program._cache_size() <= 3


def test_many_shapes_do_not_use_up_a_process(monkeypatch):
    monkeypatch.setattr(compilation, "MOST_SHAPES", 4)
    energies = []
    for n_features in (2, 3, 4, 5, 2):
        x = np.random.default_rng(0).normal(size=(40, n_features))
        energies.append(
            DAGMM(comp_hiddens=[4, 1], est_hiddens=[4, 2], epoch_size=1).fit(x).predict(x)
        )
        assert training._program()._cache_size() <= 6
        assert scoring._program()._cache_size() <= 4
    np.testing.assert_array_equal(energies[0], energies[-1])
