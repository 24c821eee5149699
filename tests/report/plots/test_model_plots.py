"""The plots of a fitted model."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

import dagmm
from dagmm import ArgumentError, DAGMMDetector
from dagmm._core.errors import MissingExtraError
from small_fits import TINY, tiny_dagmm, tiny_detector

mpl.use("Agg")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    load = rng.normal(size=(120, 1))
    frame = pd.DataFrame(load + 0.1 * rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    frame.loc[7, "b"] = 9.0
    return frame


@pytest.fixture(scope="module")
def detector(rows):
    return tiny_detector(contamination=0.05, config=TINY).fit(rows.drop(7))


def test_plot_of_energies_counts_alarms(detector, rows):
    given = Figure().subplots()
    ax = dagmm.plot_energy(detector, rows, ax=given)
    assert ax is given
    assert ax.get_xlabel() == "energy (nats, higher is stranger)"
    scale_of_threshold = ax.get_lines()[0].get_xdata()[0]
    fills = [patch for patch in ax.patches if patch.get_fill()]
    assert len(fills) == 2
    assert np.isfinite(scale_of_threshold)
    by_row = dagmm.plot_energy(detector, rows, by_row=True, ax=Figure().subplots())
    marks = by_row.get_lines()[-1].get_xdata()
    np.testing.assert_array_equal(marks, np.flatnonzero(detector.predict(rows) == -1))


def test_plot_of_the_code_space_shows_every_row(detector, rows):
    ax = dagmm.plot_latent(detector, rows, network=1)
    normal, strange = (len(part.get_offsets()) for part in ax.collections)
    assert strange == (detector.predict(rows) == -1).sum()
    assert normal + strange == len(rows)
    assert (
        len(ax.patches) == 2 * detector.model_.mixture_of(detector.model_.networks[1]).n_components
    )


def test_plot_of_an_explanation_names_the_column(detector, rows):
    ax = dagmm.plot_explanation(detector, rows, row=7, ax=Figure().subplots())
    explanation = detector.explain(rows)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [name for name in explanation.top_features(3)[7] if name]
    assert names[0] == "b"
    bars = [bar.get_width() for bar in ax.patches]
    assert sum(bars) == pytest.approx(explanation.energy[7] - explanation.reference_energy[7])
    assert ax.texts[0].get_text() == f"expected {explanation.expected['b'][7]:.4g}"
    alone = dagmm.plot_explanation(detector, rows.iloc[[7]], n_columns=1, ax=Figure().subplots())
    assert len(alone.patches) == 1


def test_a_value_where_normal_rows_have_none_is_expected_to_be_none(rows):
    rng = np.random.default_rng(0)
    lab = pd.DataFrame({"lab": rng.normal(5.0, 1.0, len(rows))})
    lab["grade"] = np.where(lab["lab"] > 5.0, "A", "B")
    lab[rng.random(len(rows)) < 0.97] = None
    model = tiny_detector(config=TINY).fit(pd.concat([rows.drop(7), lab], axis=1))
    strange = pd.concat([rows, lab.assign(lab=9.0)], axis=1)[:1]
    explanation = model.explain(strange)
    assert np.isnan(explanation.expected["lab"][0])
    assert explanation.expected["grade"][0] == ""
    assert explanation.to_table(1)["expected_1"].to_pylist() == [""]
    ax = dagmm.plot_explanation(model, strange, ax=Figure().subplots())
    assert ax.get_yticklabels()[0].get_text() == "lab"
    assert ax.texts[0].get_text() == "expected no value"


def test_plot_of_a_normal_row_says_that_there_is_nothing_to_draw(detector, rows):
    normal = int(np.argmin(detector.energy(rows)))
    ax = dagmm.plot_explanation(detector, rows, row=normal, ax=Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["no column makes this row strange"]


def test_a_fitted_model_alone_is_enough(detector, rows):
    ax = dagmm.plot_energy(detector.model_, rows, by_row=True, ax=Figure().subplots())
    marks = ax.get_lines()[-1].get_xdata()
    np.testing.assert_array_equal(marks, np.flatnonzero(detector.predict(rows) == -1))


def test_plots_of_the_reference_model_have_no_threshold(rows):
    model = tiny_dagmm().fit(rows)
    assert not dagmm.plot_energy(model, rows, ax=Figure().subplots()).get_lines()
    assert (
        dagmm.plot_latent(model, rows, ax=Figure().subplots()).collections[1].get_offsets().size
        == 0
    )


def test_plots_refuse_what_is_not_there(detector, rows):
    with pytest.raises(
        ArgumentError, match=r"^network must be below 2, the number of networks, got 2\.$"
    ):
        dagmm.plot_latent(detector, rows, network=2)
    with pytest.raises(ArgumentError, match=r"^row must be below 120, the rows of X, got 120\.$"):
        dagmm.plot_explanation(detector, rows, row=120)
    with pytest.raises(ArgumentError, match=r"^n_columns must be an int >= 1, got 0\.$"):
        dagmm.plot_explanation(detector, rows, n_columns=0)
    with pytest.raises(
        ArgumentError,
        match=r"^model must be a DAGMM, a DAGMMDetector or a FittedModel, got str\.$",
    ):
        dagmm.plot_energy("model", rows)
    with pytest.raises(NotFittedError):
        dagmm.plot_energy(DAGMMDetector(), rows)


@pytest.mark.parametrize("method", ["plot_energy", "plot_latent", "plot_explanation"])
def test_without_matplotlib_the_extra_is_named(detector, rows, method, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = rf'^{method} needs the \'report\' extra: pip install "dagmm\[report\]"\.$'
    with pytest.raises(MissingExtraError, match=message):
        getattr(dagmm, method)(detector, rows)
