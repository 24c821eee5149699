from dataclasses import replace

import pytest

from dagmm.mixture.row_mixture import InputMixture
from dagmm.training.presets.tables import table_config


def kinds(densities):
    return [one.density.kind for one in densities]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 255, 256, 1000, 494_021])
@pytest.mark.parametrize("n_features", [1, 6, 300])
@pytest.mark.parametrize("n_members", [1, 4])
def test_the_config_suits_tables_of_every_shape(n_rows, n_features, n_members):
    config = table_config(n_rows, (n_features,), n_members)
    assert len(config.architectures) == len(config.latent_densities) == n_members
    for architecture in config.architectures:
        assert architecture.n_features == n_features
        assert architecture.n_code == max(1, min(8, n_features - 1))
        assert architecture.whole_row
        assert 0.0 < architecture.mask_ratio < 1.0
        assert 0.0 < architecture.est_dropout_ratio < 1.0
    assert 1 <= config.training.batch_size <= n_rows
    assert config.training.n_steps >= 1
    for densities in config.latent_densities:
        (mixture,) = densities
        assert kinds(densities) == ["row_mixture"]
        assert 1 in mixture.options["candidates"]
        assert mixture.options["relative_floor"] > 0.0
        assert 0.0 < mixture.options["least_phi"] <= 0.02
        assert mixture.options["least_phi"] * n_rows <= 40.0
    views = ("values", "normal_scores")[:n_members]
    assert config.views == (*views, *views)[:n_members]
    marginals = [] if n_features == 300 else ["marginal_mixtures"]
    of_rows = ["input_mixture"] * len(views) + marginals
    # Where rows are that many, networks alone.
    assert kinds(config.input_densities) == (of_rows if n_rows <= 100_000 else [])
    assert all(one.view in views for one in config.input_densities)


@pytest.mark.parametrize("n_members", [1, 2, 3, 4, 7])
def test_networks_lead_the_rows_of_their_view_and_values_lead_normal_scores(n_members):
    config = table_config(1000, (6,), n_members)
    for of_rows in config.input_densities[:-1]:
        of_networks = [
            one.weight
            for view, (one,) in zip(config.views, config.latent_densities, strict=True)
            if view == of_rows.view
        ]
        assert sum(of_networks) == pytest.approx(1.5 * of_rows.weight)
        assert of_rows.weight == (1.0 if of_rows.view == "values" else 0.5)


def test_networks_of_more_rows_are_wider_and_may_be_trained_longer():
    few, many = (table_config(n, (6,), 1) for n in (3999, 4000))
    assert few.architectures[0].comp_hiddens == (64, 64, 5)
    assert many.architectures[0].comp_hiddens == (128, 128, 5)
    assert (few.training.n_steps, many.training.n_steps) == (3500, 15_500)


def test_networks_of_rows_in_time_have_shortcuts_and_see_values():
    for in_time, views in ((False, ("values", "normal_scores")), (True, ("values", "values"))):
        config = table_config(500, (6,), 2, in_time=in_time)
        assert config.views == views
        inputs = [one.view for one in config.input_densities if one.density is InputMixture]
        assert inputs == list(dict.fromkeys(views))
        assert {one.has_shortcuts for one in config.architectures} == {in_time}
        (mixture,) = config.latent_densities[0]
        assert mixture.options.get("least_floor") == (1e-4 if in_time else None)
        assert [one.weight for (one,) in config.latent_densities] == (
            [0.5, 0.5] if in_time else [1.5, 0.75]
        )
        assert config.input_densities[-1].weight == (0.15 if in_time else 0.2)


def test_a_wide_table_of_few_rows_has_one_component_with_a_high_floor():
    few, many = (table_config(n, (120,), 1).latent_densities[0][0] for n in (11_999, 12_000))
    assert few.options["candidates"] == (1,)
    assert many.options["candidates"] == (1, 2, 4, 8, 16)
    assert few.options["relative_floor"] > 100.0 * many.options["relative_floor"]


def test_the_widest_tables_are_scored_column_by_column():
    config = table_config(500, (1024,), 1)
    assert config.input_densities[0].options["candidates"] == (1,)
    config = table_config(500, (1025,), 1)
    assert kinds(config.input_densities) == ["marginal_mixtures"]
    assert [kinds(one) for one in config.latent_densities] == [["latent_mixture"]]
    assert not config.architectures[0].whole_row


def test_the_number_of_networks_changes_nothing_else():
    one, four = (table_config(1000, (6,), n) for n in (1, 4))
    assert one.training == four.training
    assert one.architectures[0] == four.architectures[0]
    (alone,), (of_four,) = one.latent_densities[0], four.latent_densities[0]
    assert replace(of_four, weight=alone.weight) == alone


def test_programs_are_shared_between_tables_of_about_one_size():
    # A batch of every length would be compiled anew.
    sizes = {table_config(n, (6,), 1).training.batch_size for n in range(1, 2000)}
    assert len(sizes) <= 9


@pytest.mark.parametrize(
    ("n_rows", "n_components"), [(2, 1), (3, 1), (31, 1), (32, 2), (64, 4), (10_000, 4)]
)
def test_a_minibatch_of_few_rows_has_few_components(n_rows, n_components):
    (architecture,) = table_config(n_rows, (5,), 1).architectures
    assert architecture.n_components == n_components
