"""Two trainings are told apart by whatever decides their result, and by nothing else."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from dagmm._core.errors import ArgumentError
from dagmm.networks.network import Architecture
from dagmm.training.checkpoint.identity import differences, digest_of, identity_of
from small_tables import ARCHITECTURE, N_ROWS, PLAN, correlated_rows


def described(
    rows=None, n_rows=N_ROWS, networks=(ARCHITECTURE,), plan=PLAN, seed=0, initial=None, inputs=()
):
    rows = correlated_rows() if rows is None else rows
    seed = np.random.SeedSequence(seed)
    return identity_of([rows], inputs, n_rows, networks, plan, seed, initial)


def difference(**changed):
    return differences(described(), described(**changed))


def changed(rows):
    rows[-1, -1] = np.nextafter(rows[-1, -1], np.float32(9))
    return rows


def test_the_same_training_is_the_same_also_after_json():
    plain = described()
    assert json.loads(json.dumps(plain)) == plain == described()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rows": changed(correlated_rows())}, "the training rows"),
        ({"rows": correlated_rows().astype(np.float64)}, "the training rows"),
        ({"n_rows": 399}, "n_rows (400 there, 399 here)"),
        ({"seed": 1}, "the seed"),
        ({"initial": [np.zeros(3)]}, "the initial parameters"),
        ({"inputs": [np.arange(3)]}, "the inputs of each network"),
        ({"networks": (ARCHITECTURE,) * 2}, "members (1 there, 2 here)"),
        (
            {"networks": (ARCHITECTURE, replace(ARCHITECTURE, comp_hiddens=(4, 2)))},
            "members (1 there, 2 here), comp_hiddens ([16, 2] there, [[16, 2], [4, 2]] here)",
        ),
        (
            {"plan": replace(PLAN, batch_size=32, epochs=9, learning_rate=0.5, warm_up=0.5)},
            "batch_size (64 there, 32 here), epochs (30 there, 9 here), "
            "learning_rate (0.005 there, 0.5 here), warm_up (0.0 there, 0.5 here)",
        ),
        (
            {"plan": replace(PLAN, epochs=9, lambda1=9.0, lambda2=9.0), "seed": 1, "n_rows": 9},
            "the seed, epochs (30 there, 9 here), lambda1 (0.1 there, 9.0 here), "
            "lambda2 (0.005 there, 9.0 here) and 1 more",
        ),
    ],
)
def test_what_differs_is_named(change, told):
    assert difference(**change) == told


def test_every_field_of_network_and_plan_counts():
    plain = described()
    assert {field.name for field in fields(Architecture)} <= plain.keys()
    assert {field.name for field in fields(PLAN)} <= plain.keys()


def test_a_seed_that_has_had_children_is_another_seed():
    first, second = np.random.SeedSequence(0), np.random.SeedSequence(0)
    second.spawn(1)
    arguments = ([correlated_rows()], (), N_ROWS, (ARCHITECTURE,), PLAN)
    plain = [identity_of(*arguments, seed, None) for seed in (first, second)]
    assert differences(*plain) == "the seed"


def test_what_only_one_of_both_knows_differs():
    assert differences({"jax": "1"}, {}) == "jax (1 there, None here)"


def test_a_digest_tells_types_shapes_and_layouts_of_the_same_bytes_apart():
    zeros = np.zeros((2, 3), np.float32)
    arrays = [zeros, zeros.T, zeros.ravel(), zeros.view(np.int32), zeros[:1]]
    assert len({digest_of([array]) for array in arrays}) == len(arrays)
    grid = np.arange(6.0).reshape(2, 3)
    assert digest_of([np.asfortranarray(grid)]) == digest_of([grid])
    assert digest_of([np.empty((0, 3))]) != digest_of([])


def test_a_function_without_a_name_cannot_be_compared():
    def square(x):
        return x * x

    with pytest.raises(ArgumentError, match=r"^comp_activation is the function .*square"):
        described(networks=(replace(ARCHITECTURE, comp_activation=square),))
