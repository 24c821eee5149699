"""Programs are compiled with our options, and the oldest do not use up the process."""

import jax
import numpy as np
import pytest

from dagmm import DAGMM, DAGMMDetector
from dagmm._core import compilation
from dagmm.training.compiled_steps import program


def test_a_program_forgets_its_shapes_when_there_are_many(monkeypatch):
    monkeypatch.setattr(compilation, "MOST_SHAPES", 3)
    program = compilation.compiled(lambda x: x + 1.0)
    for n in range(1, 20):
        compilation.make_room(program)
        np.testing.assert_array_equal(program(np.zeros(n, np.float32)), np.ones(n))
        assert program.jitted._cache_size() <= 3


def test_many_shapes_do_not_use_up_a_process(monkeypatch):
    monkeypatch.setattr(compilation, "MOST_SHAPES", 4)
    energies = []
    for n_features in (2, 4, 6, 8, 2):  # none of which share programs
        x = np.random.default_rng(0).normal(size=(40, n_features))
        energies.append(
            DAGMM(comp_hiddens=[4, 1], est_hiddens=[4, 2], epoch_size=1).fit(x).predict(x)
        )
        assert program().jitted._cache_size() <= 6
    np.testing.assert_array_equal(energies[0], energies[-1])


@pytest.mark.parametrize("shape", [(70, 3), (84, 4)], ids=["the same shape", "a shape close by"])
def test_a_second_fit_compiles_nothing(shape):
    compilations = []

    def listen(event, seconds, **_):
        if "backend_compile" in event:
            compilations.append(event)

    def fit_and_score(seed, shape):
        x = np.random.default_rng(seed).normal(size=shape)
        DAGMMDetector(n_members=2, random_state=seed).fit(x).predict(x[:5])

    jax.monitoring.register_event_duration_secs_listener(listen)
    jax.clear_caches()
    fit_and_score(0, (70, 3))
    assert compilations, "what counts does count"
    compilations.clear()
    fit_and_score(1, shape)
    assert compilations == []
