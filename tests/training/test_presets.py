import pytest

from dagmm.training.presets import default_hiddens, image_config, table_config, window_config


@pytest.mark.parametrize("n_features", [1, 2, 8, 9, 500])
def test_the_code_of_a_narrow_table_is_not_squeezed(n_features):
    assert default_hiddens(n_features)[-1] == min(8, n_features)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 255, 256, 1000, 494_021])
@pytest.mark.parametrize("n_features", [1, 6, 300])
@pytest.mark.parametrize("n_members", [1, 4])
def test_the_recipe_suits_tables_of_every_shape(n_rows, n_features, n_members):
    recipe = table_config(n_rows, n_features, n_members)
    assert len(recipe.architectures) == n_members
    for architecture in recipe.architectures:
        assert architecture.n_features == n_features
        assert architecture.n_code == min(16, n_features)
        assert 0.0 < architecture.mask_ratio < 1.0
        assert 0.0 < architecture.est_dropout_ratio < 1.0
    assert 1 <= recipe.plan.batch_size <= n_rows
    assert recipe.plan.n_steps >= 1
    assert len(recipe.relative_floors) == n_members
    assert all(floor > 0.0 for floor in recipe.relative_floors)
    assert 0.0 < recipe.least_phi <= 0.02
    assert recipe.least_phi * n_rows <= 40.0
    assert 1 in recipe.components
    assert (len(recipe.drawn_components) > 1) == (n_rows <= 100_000)
    is_wide = n_features == 300
    assert (recipe.column_components > 1) == (n_rows <= 100_000 and not is_wide)
    of_rows = (1,) if is_wide else (1, 2, 4, 8, 16)
    assert recipe.row_components == (of_rows if n_rows <= 100_000 else ())
    assert recipe.row_floor >= 0.0
    assert 0.0 <= recipe.row_share < 0.75


def test_windows_and_images_are_judged_by_their_members_alone():
    # Until others have been measured there.
    for recipe in (
        window_config(500, 10, 6, 2, "summary"),
        window_config(500, 10, 90, 2, "summary"),
        image_config(500, 256, 2, (16, 16, 1)),
    ):
        assert (recipe.drawn_components, recipe.column_components) == ((), 0)
        assert not recipe.row_components


def test_the_widest_tables_are_judged_column_by_column():
    assert table_config(500, 1024, 2).row_components == (1,)
    widest = table_config(500, 1025, 2)
    assert (widest.column_components, widest.row_components) == (4, ())


def test_a_recipe_follows_from_the_shape_alone():
    assert table_config(1000, 6, 4) == table_config(1000, 6, 4)
    one, four = (table_config(1000, 6, n) for n in (1, 4))
    assert one.plan == four.plan
    assert one.architectures[0] == four.architectures[0]
    assert one.relative_floors == four.relative_floors[:1]


def test_programs_are_shared_between_tables_of_about_one_size():
    # A batch of every length would be compiled anew.
    sizes = {table_config(n, 6, 1).plan.batch_size for n in range(1, 2000)}
    assert len(sizes) <= 9


@pytest.mark.parametrize(
    ("n_rows", "n_components"), [(2, 1), (3, 1), (31, 1), (32, 2), (64, 4), (10_000, 4)]
)
def test_a_minibatch_of_few_rows_has_few_components(n_rows, n_components):
    (architecture,) = table_config(n_rows, 5, 1).architectures
    assert architecture.n_components == n_components
