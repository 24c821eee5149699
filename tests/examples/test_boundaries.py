import sys

import numpy as np
import pytest

from boundaries import draw_boundaries, main, panel_of
from dagmm import ArgumentError
from dagmm._core.errors import MissingExtraError
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.baselines.registry import METHODS
from toy_shapes import LIMIT, ROWS, SHAPES, STREWN, shape_with_strewn

SCALED = Method("radius", "Radius", lambda x, seed: lambda r: (r**2).sum(axis=1), "here")


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_fits_the_plane_and_is_partly_strewn(name):
    rows = shape_with_strewn(name, 0)
    assert rows.shape == (ROWS, 2)
    n_shape = ROWS - round(STREWN * ROWS)
    np.testing.assert_array_equal(rows[:n_shape], SHAPES[name](n_shape, 0))
    assert np.mean(np.abs(rows) <= LIMIT) > 0.98
    assert np.abs(rows[n_shape:]).max() <= LIMIT
    assert not np.array_equal(rows, shape_with_strewn(name, 1))


def test_a_panel_is_what_the_method_says_of_the_plane():
    panel = panel_of(SCALED, "one blob", 0, 61)
    assert panel.beyond.mean() == pytest.approx(STREWN, abs=0.005)
    assert panel.line == pytest.approx(1.0 - STREWN, abs=0.005)
    assert panel.field.shape == (61, 61)
    # Strangeness grows with the distance from the centre of the rows, which is about zero.
    assert panel.field[30, 30] < 0.1
    assert panel.field[0, 0] == panel.field[-1, -1] == 1.0
    # Rows beyond the line are those whose place in the plane is beyond it.
    step = 2 * LIMIT / 60
    column, row = np.clip(np.round((panel.rows.T + LIMIT) / step).astype(int), 0, 60)
    assert np.mean((panel.field[row, column] > panel.line) == panel.beyond) > 0.95


def test_strangeness_on_another_scale_draws_the_same_panel():
    other = Method("other", "Other", lambda x, s: lambda r: np.log((r**2).sum(axis=1)), "here")
    panels = [panel_of(method, "two blobs", 0, 20) for method in (SCALED, other)]
    np.testing.assert_array_equal(panels[0].field, panels[1].field)
    np.testing.assert_array_equal(panels[0].beyond, panels[1].beyond)


def test_the_figure_has_a_panel_for_each_method_and_shape():
    figure = draw_boundaries(["mahalanobis", "knn", SCALED], ["ring", "moons"], n_grid=15)
    axes = np.array(figure.axes).reshape(2, 3)
    titles = [METHODS["mahalanobis"].title, METHODS["knn"].title, "Radius"]
    assert [axis.get_title() for axis in axes[0]] == titles
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["ring", "moons"]
    for axis in axes.ravel():
        (field,) = axis.images
        assert np.asarray(field.get_array()).shape == (15, 15)
        assert len(axis.collections[-1].get_offsets()) == ROWS
        assert axis.texts[0].get_text().endswith(" s")


def test_the_figure_is_saved_by_the_example(tmp_path, monkeypatch, capsys):
    out = tmp_path / "boundaries.svg"
    options = ["--methods", "mahalanobis", "--shapes", "ring", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["boundaries.py", *options])
    main()
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert "<svg" in out.read_text()


def test_what_is_not_known_is_named():
    with pytest.raises(ArgumentError) as caught:
        draw_boundaries(["knn"], ["rings"])
    assert str(caught.value) == (
        "shapes must be one of 'one blob', 'two blobs', 'uneven blobs', 'moons', 'ring', "
        "'bent line', got 'rings'. Did you mean 'ring'?"
    )


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError) as caught:
        draw_boundaries(["knn"], ["ring"])
    assert str(caught.value) == (
        "draw_boundaries needs the 'report' extra: pip install \"dagmm[report]\"."
    )
