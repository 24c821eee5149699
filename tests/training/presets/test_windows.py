import pytest

from dagmm.mixture.latent import LatentMixture
from dagmm.training.presets.images import image_config
from dagmm.training.presets.tables import table_config
from dagmm.training.presets.windows import window_config


@pytest.mark.parametrize(
    "config",
    [
        window_config(500, (10, 6), 2, "sequence"),
        window_config(500, (10, 342), 2, "summary"),
        image_config(500, (16, 16, 1), 2),
    ],
    ids=["sequences", "wide summaries", "images"],
)
def test_sequences_wide_summaries_and_images_are_scored_by_mixtures_of_z_alone(config):
    for densities in config.latent_densities:
        assert [one.density for one in densities] == [LatentMixture]
    assert config.input_densities == ()


def test_windows_are_seen_as_last_rows_and_as_summaries():
    config = window_config(500, (10, 6), 3, "summary")
    assert config.views == ("summary", "last_rows", "summary")
    assert [one.n_features for one in config.architectures] == [18, 18, 18]
    assert all(one.has_shortcuts and one.whole_row for one in config.architectures)
    assert [one.view for one in config.input_densities] == ["last_rows", "level", "summary"]
    assert [one.options["relative_floor"] for one in config.input_densities] == [1e-4, 1e-4, 0.1]
    assert [one.options["least_floor"] for one in config.input_densities] == [1e-4, 1e-4, 1e-2]
    # Windows of which ten share each row are a tenth as many.
    assert {one.options["candidates"] for one in config.input_densities} == {(1,)}
    longer = window_config(4000, (10, 6), 3, "summary")
    assert {one.options["candidates"] for one in longer.input_densities} == {(1, 2, 4)}
    two = window_config(500, (2, 6), 2, "summary")
    assert [one.n_features for one in two.architectures] == [18, 12]


def test_nothing_is_trimmed_unless_it_is_said():
    for config in (
        table_config(500, (6,), 2),
        window_config(500, (10, 6), 2, "summary"),
        image_config(500, (16, 16, 1), 2),
    ):
        assert config.trim == 0.0
