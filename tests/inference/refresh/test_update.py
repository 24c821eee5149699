"""A model with new rows in it: what moves, what stays, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from dagmm import ArgumentError, DAGMMDetector, InputError, TableWarning
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.calibration.threshold_rules import choose_threshold
from dagmm.inference.refresh import moments as refresh_moments
from dagmm.inference.refresh import update as refresh_update
from dagmm.inference.refresh.update import updated
from dagmm.inference.surprisal import Surprisal
from small_fits import (
    TINY,
    energy_of,
    normal,
    tiny_detector,
    tiny_window_config,
)


@pytest.fixture(scope="module")
def detector():
    return tiny_detector(config=TINY).fit(normal(300))


def shifted(n_rows=400, shift=0.8, seed=1):
    return normal(n_rows, seed=seed) + shift


def test_networks_encoder_and_weights_stay_and_all_else_follows_the_new_rows(detector):
    before = detector.model_
    model, update = updated(before, shifted())
    for ours, theirs in zip(model.networks, before.networks, strict=True):
        assert ours is theirs
    assert model.encoder is before.encoder
    assert [one.weight for one in model.components] == [one.weight for one in before.components]
    # Most new rows are as normal as others were.
    energy = model.energy(shifted(2000, seed=2))
    assert 0.002 < (energy > model.threshold).mean() < 0.05
    assert update.share_above_before > update.share_above_after == pytest.approx(0.01, abs=0.005)
    assert (update.n_rows, update.old_rows, update.version) == (400, 300.0, 2)
    assert [column.name for column in update.columns if column.has_moved] == ["x0", "x1", "x2"]
    assert (model.calibration.reference.n_rows, model.calibration.training.n_rows) == (400, 400)
    np.testing.assert_allclose(
        np.sort(model.energy(shifted())), model.calibration.training.energy, rtol=1e-12
    )
    assert before.revision.version == 1  # the model before is as it was


def test_mixtures_are_those_of_old_and_new_rows(detector):
    """Of one component, where memberships are all 1: moments of the pooled rows."""
    one = tiny_detector(
        n_members=1,
        config=TINY | {"densities": {"input_mixture": {"candidates": [1]}, "row_mixture": {}}},
    ).fit(normal(300))
    before, new = one.model_, shifted(500)
    model, _ = updated(before, new, keep=0.1)
    kinds = [one.density.kind for one in before.components]
    at = kinds.index("input_mixture")
    old, found = (m.components[at].density.mixture for m in (before, model))
    rows = before.encoder.encode
    z = np.concatenate([rows(chunk) for chunk in one.rows(new).chunks()]).astype(np.float64)
    view = before.components[at].transform.view
    z = z if view is None else view(z.astype(np.float32)).astype(np.float64)
    n_old = 0.1 * 300
    mean = (n_old * old.mu[0] + z.sum(axis=0)) / (n_old + 500)
    np.testing.assert_allclose(found.mu[0], mean, rtol=1e-6, atol=1e-8)
    second = n_old * (old.cov[0] - np.diag(old.floor) + np.outer(old.mu[0], old.mu[0])) + z.T @ z
    cov = second / (n_old + 500) - np.outer(mean, mean) + np.diag(old.floor)
    np.testing.assert_allclose(found.cov[0], cov, rtol=1e-6, atol=1e-8)


def test_new_rows_are_scored_by_mixtures_that_they_are_no_part_of(detector):
    """By hand: each quarter of the rows by mixtures of the old rows and the other quarters."""
    before, new = detector.model_, shifted(202)
    model, _ = updated(before, new)
    features = np.concatenate([before.encoder.encode(c) for c in detector.rows(new).chunks()])
    latents, quarter = before.ensemble.latents(features), np.arange(202) * 4 // 202
    for one, z, found in zip(before.components, latents, model.components, strict=True):
        energy = np.empty(202)
        for i in range(4):
            total = one.density.known_moments(300.0)
            total = total.merge(one.density.moments_of(z[:, quarter != i]))
            energy[quarter == i] = one.density.with_moments(total).energy(z[:, quarter == i])
        again = type(found.surprisal).of(energy)
        np.testing.assert_allclose(found.surprisal.energy, again.energy, rtol=1e-7)


def test_a_fifth_of_the_new_rows_is_measured_by_surprisals_of_the_others(detector, monkeypatch):
    seen = []

    def listen(*arguments):
        seen.append(refresh_moments.energies_of(*arguments))
        return seen[0]

    monkeypatch.setattr(refresh_update, "energies_of", listen)
    model, _ = updated(detector.model_, shifted(400))
    components, energies = seen[0]
    expected = []
    for part in np.array_split(np.arange(400), 5):
        others = np.delete(energies.of_others, part, axis=1)
        expected.append(
            sum(
                one.weight * Surprisal.of(known)(energy)
                for one, known, energy in zip(
                    components, others, energies.of_others[:, part], strict=True
                )
            )
        )
    found = model.calibration.held_out.energy
    np.testing.assert_allclose(found, np.sort(np.concatenate(expected)), rtol=1e-12)


def test_chunks_make_no_difference(detector, monkeypatch):
    rows = shifted(1000)
    whole, _ = updated(detector.model_, rows)
    monkeypatch.setattr("dagmm.inference.fitted_model.CHUNK_ROWS", 130)
    in_parts, _ = updated(detector.model_, rows)
    x = normal(50, seed=9)
    np.testing.assert_allclose(in_parts.energy(x), whole.energy(x), rtol=1e-6, atol=1e-9)
    assert in_parts.threshold == pytest.approx(whole.threshold, rel=1e-6)


def test_of_a_long_table_energies_are_kept_evenly(detector, monkeypatch):
    monkeypatch.setattr(refresh_moments, "_MOST_ENERGIES", 100)
    monkeypatch.setattr("dagmm.inference.fitted_model.CHUNK_ROWS", 77)
    model, update = updated(detector.model_, shifted(350))
    assert model.calibration.reference.n_rows == 88  # every fourth
    assert update.n_rows == 350
    assert model.revision.weight == 650.0


def test_updates_add_up_and_forget_as_told(detector):
    model, _ = updated(detector.model_, shifted(200))
    assert model.revision.weight == 500.0
    model, update = updated(model, shifted(200), keep=0.5)
    assert (model.revision.weight, model.revision.version) == (450.0, 3)
    assert update.old_rows == 250.0


def test_rows_like_the_old_ones_change_little(detector):
    model, update = updated(detector.model_, normal(3000, seed=3))
    assert [column.name for column in update.columns if column.has_moved] == []
    x = normal(500, seed=4)
    assert spearmanr(model.energy(x), detector.energy(x)).statistic > 0.9


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        ("contamination 0.05", {"contamination": 0.05}),
        ("quantile 0.9", {"quantile": 0.9}),
        (
            "at most 3 false alarms a day at a row every 10 min",
            {"alarms": 3, "per": "day", "every": "10 min"},
        ),
    ],
)
def test_a_threshold_follows_its_rule(detector, rule, arguments):
    before = detector.model_
    if "alarms" in arguments:  # which needs many energies
        before = before.calibrated(normal(600, seed=6))
    before = before.with_threshold(choose_threshold(before.calibration, **arguments))
    model, _ = updated(before, shifted(600))
    assert model.decision.rule == rule
    energy = model.calibration.training if rule.startswith("c") else model.calibration.held_out
    share = before.decision.share
    assert (energy.energy > model.threshold).mean() == pytest.approx(share, abs=0.01)


def test_a_stated_energy_stays_and_that_is_said(detector):
    stated = detector.model_.with_threshold(Threshold(2.5, "a stated energy"))
    model, update = updated(stated, shifted())
    assert model.threshold == 2.5
    assert "the threshold is a stated energy and stays" in update.warnings[0]


def test_rows_far_beyond_what_networks_learnt_are_doubted(detector):
    _, update = updated(detector.model_, shifted(200, 8.0))
    assert update.share_above_before == 1.0
    assert update.warnings[-1] == (
        "100 % of the rows lay above the threshold before: so new rows are beyond what the "
        "networks learnt; compare with a model that is fitted to them"
    )


def test_what_cannot_be_brought_up_to_date_is_refused_in_words(detector):
    with pytest.raises(InputError) as caught:
        updated(detector.model_, shifted(99))
    assert str(caught.value) == (
        "update: expected at least 100 rows, got 99; of fewer neither the scale of energies nor a "
        "threshold can be told."
    )
    with pytest.raises(ArgumentError, match=r"^keep must be in \(0, 1\], got 1\.5\.$"):
        updated(detector.model_, shifted(), keep=1.5)
    with pytest.raises(ArgumentError, match=r"^keep must be a finite number > 0, got 0\.$"):
        updated(detector.model_, shifted(), keep=0)
    with pytest.raises(ArgumentError, match=r"^update: this model has no threshold; "):
        updated(replace(detector.model_, decision=None), shifted())
    component = detector.model_.components[0]
    mixture = replace(component.density.mixture, floor=None)
    older = replace(component, density=type(component.density)(mixture))
    model = replace(detector.model_, components=(older, *detector.model_.components[1:]))
    with pytest.raises(ArgumentError) as caught:
        updated(model, shifted())
    assert str(caught.value) == (
        "update: new rows cannot be merged into a density of kind 'row_mixture' of this model, of "
        "which no moments are kept; fit the model again."
    )


N_STEPS = 5


def assets(n_rows, seed, shift=0.0):
    """Rows of two assets in turn, by a clock, one of them with a gap."""
    x = normal(n_rows, 2, seed) + shift
    clock = np.arange(n_rows) + 1000.0 * (np.arange(n_rows) >= n_rows // 2)
    asset = np.where(np.arange(n_rows) % 2, "b", "a")
    return pd.DataFrame({"at": clock, "asset": asset, "x": x[:, 0], "y": x[:, 1]})


@pytest.fixture(scope="module")
def of_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        return tiny_detector(time="at", group="asset", window=N_STEPS).fit(assets(400, 0))


def whole_windows(model, table):
    """Inputs of the windows without a gap, asset by asset, and their places among its rows."""
    inputs = np.concatenate([seen.inputs for seen in model.seen(table)])
    found, own, places = [], [], []
    for name in ("a", "b"):
        rows = np.flatnonzero(table["asset"] == name)
        for i in range(N_STEPS - 1, len(rows)):
            if table["at"][rows[i]] - table["at"][rows[i - N_STEPS + 1]] < 1000.0:
                found.append(inputs[rows[i]])
                own.append(name)
                places.append(i)
    return np.array(found), np.array(own), np.array(places)


def test_windows_are_scored_by_mixtures_that_none_of_their_rows_is_part_of(of_windows):
    """By hand: each quarter of an asset's time by windows that have no row in common with it."""
    before, new = of_windows.model_, assets(480, 1, shift=0.5)
    model, update = updated(before, new)
    inputs, asset, place = whole_windows(before, new)
    assert (update.n_rows, model.calibration.reference.n_rows) == (len(inputs),) * 2
    assert len(inputs) == 480 - 4 * (N_STEPS - 1)
    assert update.old_rows == before.record.n_windows
    energy = before.energy(new)
    at = [np.flatnonzero(new["asset"] == a)[i] for a, i in zip(asset, place, strict=True)]
    above = (energy[at] > before.threshold).mean()
    assert update.share_above_before == pytest.approx(above)
    quarter = place * 4 // 240
    for one, z, found in zip(
        before.components, before.ensemble.latents(inputs), model.components, strict=True
    ):
        total = one.density.known_moments(update.old_rows).merge(one.density.moments_of(z))
        expected = one.density.with_moments(total).mixture
        np.testing.assert_allclose(found.density.mixture.mu, expected.mu, rtol=1e-5, atol=1e-7)
        energy = np.empty(len(inputs))
        for i in range(4):
            own = quarter == i
            in_quarter = [q for q in range(240) if q * 4 // 240 == i]
            apart = np.array([min(abs(p - q) for q in in_quarter) >= N_STEPS for p in place])
            assert apart.sum() < (~own).sum()
            total = one.density.known_moments(update.old_rows)
            total = total.merge(one.density.moments_of(z[:, apart]))
            energy[own] = one.density.with_moments(total).energy(z[:, own])
        again = type(found.surprisal).of(energy)
        np.testing.assert_allclose(found.surprisal.energy, again.energy, rtol=1e-6)


def test_a_threshold_of_windows_holds_for_windows_to_come(of_windows):
    before, later = of_windows.model_, assets(3000, 2, shift=1.5)
    model, _ = updated(before, assets(1200, 1, shift=1.5), keep=0.1)
    share = model.decision.share
    assert share / 3 < (model.energy(later) > model.threshold).mean() < 3 * share
    assert (before.energy(later) > before.threshold).mean() > 3 * share
    assert model.calibration.reference.n_effective <= 1200 / N_STEPS


def test_too_few_whole_windows_are_refused(of_windows):
    with pytest.raises(InputError) as refused:
        updated(of_windows.model_, assets(110, 1))
    assert str(refused.value) == (
        "update: expected at least 100 whole windows of 5 rows, got 94; of fewer neither the "
        "scale of energies nor a threshold can be told."
    )


def test_drift_of_windows_is_refused(of_windows):
    for watch in (lambda: of_windows.drift(assets(200, 1)), lambda: of_windows.stream().drift):
        with pytest.raises(ArgumentError) as refused:
            watch()
        assert str(refused.value) == (
            "drift: this model scores each row with the 4 before it, so that energies of "
            "neighbours are mostly of the same rows, and no bound on false alarms holds for them. "
            "Watch the share of rows above the threshold instead, or fit a model without windows "
            "to rows that do not depend on each other, such as one a batch."
        )


def test_text_and_holes_of_new_rows_are_taken(tmp_path):
    rng = np.random.default_rng(0)

    def table(n, tools):
        frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
        frame.loc[frame.index[::7], "b"] = np.nan
        return frame.assign(tool=rng.choice(tools, n))

    detector = tiny_detector(config=TINY).fit(table(200, ["drill", "mill"]))
    new = table(200, ["drill", "saw"])
    share = (detector.predict(new) < 0).mean()
    with pytest.warns(TableWarning, match="% of the rows lay above the threshold before"):
        update = detector.update(new)
    assert update.share_above_before == pytest.approx(share)
    assert {one.name: one.has_moved for one in update.columns} == {
        "a": False,
        "b": False,
        "tool": True,
    }
    detector.save(tmp_path / "m")
    again = DAGMMDetector.load(tmp_path / "m")
    np.testing.assert_array_equal(energy_of(again, new), energy_of(detector, new))
    assert again.model_.revision == detector.model_.revision
    # What columns moved is measured from the new rows from now on.
    assert not any(one.has_moved for one in again.drift(new).columns if one.name != "tool")
