from dataclasses import replace

import numpy as np
import pytest

from dagmm.inference.diagnostics import Diagnostics, Relations
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.inference.forward import outputs_of
from dagmm.inference.verdict import findings_of, verdict_of
from dagmm.mixture.latent import LatentMixture
from dagmm.training.diagnostics import diagnose
from dagmm.training.network_moments import sample_of
from dagmm.training.objective import objective
from dagmm.training.trainer import train
from small_tables import ARCHITECTURE, PLAN, correlated_rows


def health_after(rows, plan=PLAN, architecture=ARCHITECTURE):
    (result,) = train(rows, len(rows), [architecture], plan, 0)
    sample = sample_of(TrainedNetwork(architecture, result.parameters), rows)
    energy = LatentMixture.fit(sample, np.random.default_rng(0)).energy(sample.z)
    return diagnose(architecture, plan, result, rows, energy)


HEALTHY = Diagnostics(
    reconstruction_before=4.0,
    reconstruction_after=1.0,
    objective_before=5.0,
    objective_after=5.0,
    rank_correlation=0.25,
    unmoved_arrays=(),
    undone=False,
    is_linear=False,
    dropped_steps=0,
    empty_components=0,
    n_components=4,
)


def a_health(**changes):
    return replace(HEALTHY, **changes)


def test_a_network_that_trained():
    health = health_after(correlated_rows())
    before, after = health.reconstruction_before, health.reconstruction_after
    correlation = health.rank_correlation
    assert after < 0.5 * before
    assert -1.0 <= correlation <= 1.0
    assert health.unmoved_arrays == ()
    assert health.dropped_steps == 0
    assert health.n_components == 2
    assert verdict_of([replace(health, empty_components=0)]) == [
        f"the networks learnt: reconstruction error fell from {before:.3g} to {after:.3g}, and "
        f"energies have a rank correlation of {correlation:.2f} with those before training"
    ]


def test_a_sample_of_wide_rows_is_of_bounded_size(monkeypatch):
    looked_at = []

    def look(architecture, parameters, rows, target=None):
        looked_at.append(len(rows))
        return outputs_of(architecture, parameters, rows, target)

    monkeypatch.setattr("dagmm.training.diagnostics.outputs_of", look)
    rows = correlated_rows()
    n_rows, n_features = rows.shape
    health_after(rows)
    monkeypatch.setattr("dagmm.training.diagnostics._SAMPLE_INPUTS", n_rows * n_features // 4)
    sampled = health_after(rows)
    assert set(looked_at) == {n_rows, n_rows // 4}
    assert sampled.reconstruction_after < 0.5 * sampled.reconstruction_before


def test_a_network_that_hardly_trained():
    health = health_after(correlated_rows(), replace(PLAN, epochs=2, learning_rate=1e-30))
    assert health.reconstruction_before == health.reconstruction_after
    assert health.rank_correlation == pytest.approx(1.0)
    before = health.reconstruction_before
    weights = [name for name in ARCHITECTURE.shapes() if name.endswith("weight")]
    assert set(weights) <= set(health.unmoved_arrays)
    assert verdict_of([health]) == [
        f"the networks hardly trained: reconstruction error went from {before:.3g} to "
        f"{before:.3g}; train longer or with a higher learning rate",
        f"training did not move {', '.join(health.unmoved_arrays)}",
    ]


def test_a_network_that_rebuilds_hidden_values_is_measured_on_them():
    architecture = replace(ARCHITECTURE, comp_hiddens=(8, 6), mask_ratio=0.5)
    rows = correlated_rows()
    plan = replace(PLAN, epochs=40, lambda1=0.0, lambda2=0.0)
    (result,) = train(rows, len(rows), [architecture], plan, 0)
    health = diagnose(architecture, plan, result, rows, np.arange(float(len(rows))))
    seen = rows * (np.random.default_rng(0).random(rows.shape) >= 0.5)
    for parameters, measured in (
        (result.initial, health.reconstruction_before),
        (result.parameters, health.reconstruction_after),
    ):
        network = architecture.unflatten(parameters)
        x_hat = np.asarray(network.latent(seen.T)[1]).T
        assert measured == pytest.approx(((rows - x_hat) ** 2).sum(axis=1).mean(), rel=1e-5)
    # Six columns in a code of six: whole rows are rebuilt best before training.
    assert health.reconstruction_after < 0.5 * health.reconstruction_before


def test_a_table_without_variation():
    rows = np.zeros((400, 6), np.float32)
    health = health_after(rows, replace(PLAN, epochs=2))
    assert health.reconstruction_before == 0.0
    assert health.rank_correlation == 0.0
    assert verdict_of([health])[0] == "there was nothing to learn: the columns do not vary"


@pytest.mark.parametrize("n_features", [6, 2])
def test_independent_columns_teach_nothing(n_features):
    rows = np.random.default_rng(0).normal(size=(600, n_features)).astype(np.float32)
    # Principal components rebuild what the code holds as it is: half the variance and more.
    architecture = replace(ARCHITECTURE, n_features=n_features)
    (result,) = train(rows[:400], 400, [architecture], PLAN, 0)
    energy = np.zeros(400)
    health = diagnose(architecture, PLAN, result, rows[:400], energy, rows[400:])
    found = health.relations
    assert not found.are_used
    fallen = replace(health, reconstruction_before=3.0, reconstruction_after=1.0)
    assert verdict_of([replace(fallen, empty_components=0)]) == [
        "the networks found nothing that columns have in common: rows whose columns are shuffled "
        f"against each other are rebuilt as well, with a reconstruction error of "
        f"{found.shuffled:.3g} instead of {found.together:.3g}; what is strange in such rows "
        "shows in single columns"
    ]


def test_relations_are_those_of_rows_that_the_network_was_not_fitted_to():
    rows = correlated_rows()
    (result,) = train(rows, len(rows), [ARCHITECTURE], PLAN, 0)
    new = correlated_rows(n_rows=150, seed=1)
    energy = np.zeros(len(rows))
    found = diagnose(ARCHITECTURE, PLAN, result, rows, energy, new).relations
    error = outputs_of(ARCHITECTURE, result.parameters, new).squared_error
    assert found.together == pytest.approx(error.mean(), rel=1e-5)
    assert found.are_used
    few = diagnose(ARCHITECTURE, PLAN, result, rows, energy, new[:50]).relations
    assert few == diagnose(ARCHITECTURE, PLAN, result, rows, energy).relations


@pytest.mark.parametrize(
    ("relations", "used"),
    [
        (Relations(1.0, 1.4, 0.1), True),
        (Relations(1.0, 1.2, 0.1), False),  # by chance
        (Relations(1.0, 1.005, 0.001), False),  # hardly anything
    ],
)
def test_relations_are_used_where_shuffled_rows_are_rebuilt_worse(relations, used):
    assert relations.are_used == used
    learnt = (
        "found nothing that columns have in common"
        not in verdict_of([a_health(relations=relations)])[0]
    )
    assert learnt == used
    one_of_two = [a_health(relations=relations), a_health(relations=Relations(1.0, 9.0, 0.1))]
    assert verdict_of(one_of_two) == [TRAINED]


def test_one_column_has_no_relations():
    rows = correlated_rows()[:, :1]
    architecture = replace(ARCHITECTURE, n_features=1)
    (result,) = train(rows, len(rows), [architecture], replace(PLAN, epochs=2), 0)
    health = diagnose(architecture, PLAN, result, rows, np.zeros(len(rows)))
    assert health.relations is None


AGAINST_DROPS = (
    "a few do no harm, against many scale the columns or, with DAGMM, lower the learning rate"
)


def test_steps_that_were_dropped_are_counted():
    rows = correlated_rows()
    rows[17] = 1e30
    (result,) = train(rows, len(rows), [ARCHITECTURE], PLAN, 0)
    sound = np.delete(rows, 17, axis=0)
    health = diagnose(ARCHITECTURE, PLAN, result, sound, np.zeros(len(sound)))
    assert health.dropped_steps == sum(result.history["dropped_steps"]) > 1
    assert health.rank_correlation == 0.0
    assert verdict_of([replace(health, empty_components=0)])[1:] == [
        f"{health.dropped_steps} steps were dropped because loss or gradient was not finite; "
        + AGAINST_DROPS
    ]


TRAINED = (
    "the networks learnt: reconstruction error fell from 4 to 1, and energies have a rank "
    "correlation of 0.25 with those before training"
)


@pytest.mark.parametrize(
    ("health", "sentences"),
    [
        ([a_health()], [TRAINED]),
        ([a_health(), a_health()], [TRAINED]),
        (
            [a_health(empty_components=2)],
            [TRAINED, "2 of 4 components are empty"],
        ),
        (
            [a_health(), a_health(empty_components=3)],
            [TRAINED, "member 1: 3 of 4 components are empty"],
        ),
        (
            [a_health(dropped_steps=5)],
            [
                TRAINED,
                "5 steps were dropped because loss or gradient was not finite; " + AGAINST_DROPS,
            ],
        ),
        (
            [a_health(dropped_steps=1, empty_components=1)],
            [
                TRAINED,
                "1 of 4 components is empty",
                "1 step was dropped because loss or gradient was not finite, which does no harm",
            ],
        ),
        (
            [a_health(is_linear=True), a_health(is_linear=True)],
            [
                "all networks keep the principal components of their rows: what training added "
                f"to them did not rebuild other rows better; their reconstruction error is "
                f"{HEALTHY.reconstruction_after:.3g}"
            ],
        ),
        (
            [a_health(), a_health(is_linear=True)],
            [
                TRAINED,
                "member 1: the network keeps the principal components of its rows: what training "
                "added to them did not rebuild other rows better",
            ],
        ),
        (
            [a_health(), a_health(undone=True, unmoved_arrays=("a.weight",))],
            [
                "training was undone for member 1: the trained network overflows on its own "
                "rows, and the untrained one took its place; lower the learning rate"
            ],
        ),
        (
            [a_health(dropped_steps=5), a_health()],
            [
                TRAINED,
                "member 0: 5 steps were dropped because loss or gradient was not finite; "
                + AGAINST_DROPS,
            ],
        ),
        (
            [a_health(unmoved_arrays=("a.weight", "a.bias"))],
            [TRAINED, "training did not move a.weight, a.bias"],
        ),
        (
            [a_health(reconstruction_before=0.0, reconstruction_after=0.0)],
            ["there was nothing to learn: the columns do not vary"],
        ),
        (
            [a_health(reconstruction_after=3.95, objective_after=-7.0)],
            [
                "the networks learnt: the objective fell from 5 to -7 while reconstruction error "
                "went from 4 to 3.95, and energies have a rank correlation of 0.25 with those "
                "before training"
            ],
        ),
        (
            [a_health(reconstruction_after=4.5, objective_after=-7.0)],
            [
                "the networks got worse in training: reconstruction error went from 4 to 4.5; "
                "lower the learning rate"
            ],
        ),
        (
            [
                a_health(
                    reconstruction_before=3.02, reconstruction_after=2.95, rank_correlation=0.998
                )
            ],
            [
                "training changed next to nothing about which rows are strange: energies have a "
                "rank correlation of 0.998 with those before it, though reconstruction error went "
                "from 3.02 to 2.95; train longer or with a higher learning rate"
            ],
        ),
        (
            [a_health(reconstruction_after=3.3, objective_after=4.3)],
            [
                "the networks hardly trained: reconstruction error went from 4 to 3.3; "
                "train longer or with a higher learning rate"
            ],
        ),
        (
            [a_health(reconstruction_after=3.99)],
            [
                "the networks hardly trained: reconstruction error went from 4 to 3.99; "
                "train longer or with a higher learning rate"
            ],
        ),
    ],
)
def test_the_verdict_in_full(health, sentences):
    assert verdict_of(health) == sentences


def test_the_objective_is_what_training_lowers():
    rows = correlated_rows()
    (result,) = train(rows, len(rows), [ARCHITECTURE], PLAN, 0)
    health = diagnose(ARCHITECTURE, PLAN, result, rows, np.arange(float(len(rows))))
    for when, parameters in (("before", result.initial), ("after", result.parameters)):
        network = ARCHITECTURE.unflatten(parameters)
        loss, _ = objective(network, rows.T, PLAN.lambda1, PLAN.lambda2)
        assert getattr(health, f"objective_{when}") == pytest.approx(float(loss), rel=1e-3)
    assert health.objective_after < health.objective_before


def test_a_network_that_got_worse():
    (sentence,) = verdict_of([a_health(reconstruction_after=5e9)])
    assert sentence == (
        "the networks got worse in training: reconstruction error went from 4 to 5e+09; "
        "lower the learning rate"
    )


def test_components_are_empty_where_the_last_minibatch_left_them_no_weight():
    rows = correlated_rows()
    (result,) = train(rows, len(rows), [ARCHITECTURE], replace(PLAN, epochs=2), 0)
    result.history["phi"][-1] = [0.9995, 0.0005]
    health = diagnose(ARCHITECTURE, PLAN, result, rows, np.zeros(len(rows)))
    assert health.empty_components == 1


def test_a_large_table_is_compared_on_a_part_of_its_rows():
    rows = correlated_rows()
    (result,) = train(rows, len(rows), [ARCHITECTURE], replace(PLAN, epochs=2), 0)
    many = correlated_rows(n_rows=9000)
    health = diagnose(ARCHITECTURE, PLAN, result, many, np.arange(9000.0))
    part = diagnose(ARCHITECTURE, PLAN, result, many[::2], np.arange(9000.0)[::2])
    assert health == part


def test_one_component_leaves_nothing_to_estimate():
    architecture = replace(ARCHITECTURE, est_hiddens=(4, 1))
    assert health_after(correlated_rows(), architecture=architecture).unmoved_arrays == ()


@pytest.mark.parametrize(
    ("changed", "kinds", "moods"),
    [
        ({}, ["trained"], ["good"]),
        ({"dropped_steps": 1}, ["trained", "dropped_one"], ["good", "plain"]),
        ({"dropped_steps": 7}, ["trained", "dropped"], ["good", "look"]),
        ({"empty_components": 2}, ["trained", "empty"], ["good", "plain"]),
        ({"reconstruction_after": 3.0}, ["worse"], ["look"]),
        ({"undone": True}, ["undone"], ["look"]),
    ],
)
def test_findings_say_what_is_worth_a_look(changed, kinds, moods):
    healthy = a_health(reconstruction_before=2.0, objective_before=0.0, objective_after=0.0)
    found = findings_of([replace(healthy, **changed)])
    assert [finding.kind for finding in found] == kinds
    assert [finding.mood for finding in found] == moods
    assert len(verdict_of([replace(healthy, **changed)])) == len(kinds)
