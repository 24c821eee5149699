"""Explanations: they add up, name the faulty sensor, and depend on the row alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import ArgumentError, DAGMMDetector, InputError
from dagmm.data.base import CHUNK_ROWS
from dagmm.data.convert import as_rows
from dagmm.datasets import NORMAL, SENSORS, simulated_plant
from dagmm.inference.explain.attribution import Explainer, Explanation, _without_repeats, explain
from dagmm.inference.explain.counterfactual import LEAST_DROP, MOST_COLUMNS, CounterfactualSearch
from dagmm.inference.fitted_model import FittedModel
from small_fits import normal, tiny_dagmm

quick = settings(deadline=None, derandomize=True, max_examples=30)


def small_table(n_rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Three numbers that follow one cause, a text that follows it too, and a constant."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(size=n_rows)
    noise = 0.02 * rng.normal(size=(n_rows, 3))
    return pd.DataFrame(
        {
            "a": 100.0 * (load + noise[:, 0]),
            "mode": np.where(load < 0.3, "low", np.where(load < 0.7, "middle", "high")),
            "b": load**2 + noise[:, 1],
            "c": 1.0 - load + noise[:, 2],
            "constant": 5.0,
        }
    )


@pytest.fixture(scope="module")
def detector() -> DAGMMDetector:
    return DAGMMDetector().fit(small_table())


@pytest.fixture(scope="module")
def strange() -> pd.DataFrame:
    """Half of the rows with something wrong, in one column or in two."""
    table = small_table(80, 1)
    table.loc[:9, "a"] += 60.0
    table.loc[10:19, "mode"] = "off"
    table.loc[20:29, ["b", "c"]] = 1.0
    table.loc[30:39, "constant"] = 6.0
    return table


@pytest.fixture(scope="module")
def explanation(detector: DAGMMDetector, strange: pd.DataFrame) -> Explanation:
    return detector.explain(strange)


def gap_of(explanation: Explanation) -> np.ndarray:
    return explanation.energy - explanation.reference_energy


def test_contributions_add_up_to_the_gap(detector, strange, explanation) -> None:
    np.testing.assert_array_equal(explanation.energy, detector.energy(strange))
    assert explanation.contribution.shape == (80, 5)
    total = explanation.contribution.sum(axis=1)
    np.testing.assert_allclose(total, gap_of(explanation), rtol=1e-9, atol=1e-9)
    assert (gap_of(explanation)[:40] > 1.0).all()


def test_the_reference_is_the_row_with_the_expected_values(detector, strange, explanation) -> None:
    reference = pd.DataFrame(explanation.expected)
    assert list(reference) == list(strange)
    energy = detector.energy(reference)
    np.testing.assert_allclose(energy, explanation.reference_energy, atol=1e-2)


def test_only_what_was_replaced_adds_to_the_energy(strange, explanation) -> None:
    for i, name in enumerate(explanation.columns):
        if name == "mode":
            same = strange[name].to_numpy() == explanation.expected[name]
        else:
            same = np.isclose(explanation.expected[name], strange[name], rtol=1e-5)
        assert (explanation.contribution[same, i] == 0.0).all()


def test_what_is_wrong_is_named_and_what_was_expected_is_usual(strange, explanation) -> None:
    top = explanation.top_features(2)
    assert (top[:10, 0] == "a").mean() >= 0.8
    assert (top[10:20, 0] == "mode").mean() >= 0.8
    assert (top[30:40, 0] == "constant").all()
    both = [
        set(names) <= {"b", "c", "a", "mode"} and len(set(names) & {"b", "c"})
        for names in top[20:30]
    ]
    assert np.mean(both) > 0.8
    np.testing.assert_array_equal(explanation.expected["constant"][30:40], 5.0)
    assert set(explanation.expected["mode"][10:20]) <= {"low", "middle", "high"}
    load = 1.0 - strange["c"][:10]
    named = top[:10, 0] == "a"
    assert np.abs(explanation.expected["a"][:10] / 100.0 - load)[named].max() < 0.2


def test_ordinary_rows_have_nothing_to_explain(detector, explanation) -> None:
    median = detector.model_.calibration.reference.energy_at(0.5)
    ordinary = explanation.energy <= median
    assert ordinary.any()
    assert (explanation.contribution[ordinary] == 0.0).all()
    np.testing.assert_array_equal(
        explanation.reference_energy[ordinary], explanation.energy[ordinary]
    )
    assert (explanation.top_features(3)[ordinary] == None).all()  # noqa: E711


def test_a_rows_explanation_depends_on_the_row_alone(detector, strange, explanation) -> None:
    order = np.random.default_rng(0).permutation(len(strange))
    shuffled = detector.explain(strange.iloc[order])
    np.testing.assert_allclose(
        shuffled.contribution, explanation.contribution[order], rtol=1e-9, atol=1e-9
    )
    for row in (0, 15, 25):
        alone = detector.explain(strange.iloc[row : row + 1])
        np.testing.assert_allclose(
            alone.contribution[0], explanation.contribution[row], rtol=1e-9, atol=1e-9
        )
        assert alone.expected["a"][0] == explanation.expected["a"][row]


def test_rows_that_repeat_are_explained_alike_and_once(detector, strange, monkeypatch) -> None:
    once = detector.explain(strange.iloc[[0, 15]])
    searched = []
    run = CounterfactualSearch.run
    monkeypatch.setattr(
        CounterfactualSearch, "run", lambda *given: searched.append(given[1]) or run(*given)
    )
    again = detector.explain(strange.iloc[[15, 0, 15, 15, 0]])
    assert [len(rows) for rows in searched] == [2]
    for row, same in enumerate([1, 0, 1, 1, 0]):
        np.testing.assert_allclose(again.contribution[row], once.contribution[same], rtol=1e-9)
        assert again.expected["a"][row] == once.expected["a"][same]
        assert again.expected["mode"][row] == once.expected["mode"][same]


def test_a_table_longer_than_a_chunk_is_explained_whole(detector, strange, explanation) -> None:
    usual = small_table(CHUNK_ROWS - 10, 2)
    lowest = usual[detector.energy(usual) < explanation.energy.min()]
    filler = pd.concat([lowest] * (CHUNK_ROWS // len(lowest) + 1)).head(CHUNK_ROWS - 10)
    long = detector.explain(pd.concat([filler, strange]))
    np.testing.assert_allclose(
        long.contribution[-80:], explanation.contribution, rtol=1e-9, atol=1e-9
    )


def test_two_columns_share_what_they_do_together(detector, strange, explanation) -> None:
    """The oracle: Shapley values of two columns from the four energies."""
    replaced = explanation.contribution != 0.0
    reference = pd.DataFrame(explanation.expected)
    pairs = np.flatnonzero(replaced.sum(axis=1) == 2)
    assert len(pairs) >= 3
    for row in pairs:
        first, second = (explanation.columns[i] for i in np.flatnonzero(replaced[row]))
        table = pd.concat([reference.iloc[[row]]] * 4, ignore_index=True)
        table.loc[[1, 3], first] = strange[first].iloc[row]
        table.loc[[2, 3], second] = strange[second].iloc[row]
        none, one, other, both = detector.energy(table)
        expected = 0.5 * (one - none + both - other)
        got = explanation.contribution[row, explanation.columns.index(first)]
        assert got == pytest.approx(expected, abs=0.02)


@quick
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
    st.sampled_from(["low", "high", "elsewhere"]),
)
def test_any_row_is_explained_and_adds_up(detector, numbers, mode) -> None:
    a, b, c = numbers
    row = pd.DataFrame({"a": [a], "mode": [mode], "b": [b], "c": [c], "constant": [5.0]})
    explanation = detector.explain(row)
    assert np.isfinite(explanation.contribution).all()
    gap = float(gap_of(explanation)[0])
    assert explanation.contribution.sum() == pytest.approx(gap, rel=1e-9, abs=1e-6)
    assert gap >= 0.0
    assert (explanation.contribution != 0.0).sum() <= MOST_COLUMNS


def test_columns_that_add_most_come_first() -> None:
    contribution = np.array([[1.0, 3.0, -2.0], [0.0, 0.0, 0.0], [2.0, 2.0, 5.0]])
    nothing = np.zeros(3)
    explanation = Explanation(("a", "b", "c"), nothing, nothing, contribution, {}, nothing == 0.0)
    assert explanation.top_features(2).tolist() == [["b", "a"], [None, None], ["c", "a"]]
    assert explanation.strongest(4).tolist() == [[1, 0, -1, -1], [-1] * 4, [2, 0, 1, -1]]


def test_a_row_is_explained_whose_normal_row_is_below_the_threshold(detector, explanation) -> None:
    threshold = detector.model_.threshold
    np.testing.assert_array_equal(
        explanation.is_explained, explanation.reference_energy <= threshold
    )
    assert explanation.is_explained[30:40].all()  # one column was moved
    ordinary = explanation.energy <= threshold
    assert ordinary.any()
    assert explanation.is_explained[ordinary].all()


def test_a_row_in_which_everything_is_wrong_is_not_explained_by_few_columns() -> None:
    usual = np.random.default_rng(0).normal(size=(300, 12))
    model = DAGMMDetector(n_members=1).fit(usual).model_
    broken = explain(model, np.full((1, 12), 50.0))
    assert broken.reference_energy[0] > model.threshold
    assert not broken.is_explained[0]


def test_without_a_threshold_a_row_is_explained_up_to_what_one_row_in_a_hundred_exceeds() -> None:
    rows = normal(200)
    model = tiny_dagmm(epoch_size=20).fit(rows)
    limit = np.percentile(model.predict(rows), 99)
    assert Explainer(model.model_).limit == pytest.approx(limit, rel=1e-9)
    found = explain(model.model_, rows)
    np.testing.assert_array_equal(found.is_explained, found.reference_energy <= limit)


def test_no_rows_have_no_reasons(detector) -> None:
    explanation = detector.explain(small_table()[:1].iloc[:1])
    none = explain(detector.model_, as_rows(small_table().head(0)))
    assert none.contribution.shape == (0, 5)
    assert none.expected.keys() == explanation.expected.keys()


def test_the_reference_model_explains_too() -> None:
    model = tiny_dagmm(epoch_size=20).fit(normal(200))
    far = np.array([[0.0, 9.0, 0.0]])
    explanation = model.explain(far)
    assert explanation.top_features(1).tolist() == [["x1"]]
    assert gap_of(explanation)[0] == pytest.approx(explanation.contribution.sum(), rel=1e-9)


def test_a_table_that_does_not_fit_is_refused(detector) -> None:
    with pytest.raises(InputError, match=r"missing: 'a'\.$"):
        explain(detector.model_, small_table().drop(columns="a"))


def test_a_wide_table_is_tried_coarsely_first() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 60)) + 0.1 * rng.normal(size=(400, 60))
    detector = DAGMMDetector(n_members=1).fit(x)
    far = x[:20].copy()
    far[np.arange(20), np.arange(20) * 3] += 20.0
    explanation = detector.explain(far)
    expected = [f"x{3 * i}" for i in range(20)]
    assert (explanation.top_features(1)[:, 0] == expected).mean() >= 0.9
    assert (gap_of(explanation) > LEAST_DROP).all()


# On a plant whose faulty sensor is known ----------------------------------------------------


@pytest.fixture(scope="module")
def plant() -> tuple[FittedModel, np.ndarray, np.ndarray, np.ndarray]:
    """Return a model, usual readings, the readings that it detects, and their faulty sensors."""
    train, test = simulated_plant(seed=1)
    detector = DAGMMDetector().fit(train.select(SENSORS))
    usual, readings = (
        np.stack([table[name].to_numpy() for name in SENSORS], axis=1) for table in (train, test)
    )
    faulty = np.array(test["fault"].to_pylist()) != NORMAL
    detected = faulty & (detector.predict(test.select(SENSORS)) == -1)
    names = np.array(test["faulty_sensor"].to_pylist())[detected]
    assert detected.sum() > 500
    return detector.model_, usual, readings[detected], names


def reconstruction_error(model: FittedModel, features: np.ndarray) -> np.ndarray:
    """Squared error of each feature, mean over networks."""
    errors = []
    for network in model.networks:
        layers = network.architecture.unflatten(network.parameters)
        errors.append((features - np.asarray(layers.latent(features.T)[1]).T) ** 2)
    return np.mean(errors, axis=0)


@pytest.mark.filterwarnings("ignore:rows that stand one after the other are alike")
def test_the_faulty_sensor_is_named_and_simpler_ways_name_it_less_often(plant) -> None:
    model, usual, readings, names = plant
    frame = pd.DataFrame(readings, columns=list(SENSORS))
    explanation = explain(model, frame)
    named = (explanation.top_features(1)[:, 0] == names).mean()
    total = explanation.contribution.sum(axis=1)
    np.testing.assert_allclose(total, gap_of(explanation), rtol=1e-9, atol=1e-9)

    z_score = np.abs(readings - usual.mean(axis=0)) / usual.std(axis=0)
    features = model.encoder.encode(as_rows(frame).chunk(0, len(frame)))
    train = pd.DataFrame(usual, columns=list(SENSORS))
    spread = reconstruction_error(model, model.encoder.encode(as_rows(train).chunk(0, len(train))))
    error = reconstruction_error(model, features)
    by_z_score, by_error, by_relative_error = (
        (np.array(SENSORS)[score.argmax(axis=1)] == names).mean()
        for score in (z_score, error, error / spread.mean(axis=0))
    )
    assert named >= 0.95
    assert named > by_error
    assert named > by_relative_error
    assert named > by_z_score + 0.1


def test_a_column_that_the_search_replaced_again_comes_back_once() -> None:
    order = _without_repeats(np.array([[2, 0, 2, -1], [1, 3, 0, 1], [4, 4, 4, 4], [-1] * 4]))
    expected = [[2, 0, -1, -1], [1, 3, 0, -1], [4, -1, -1, -1], [-1] * 4]
    np.testing.assert_array_equal(order, expected)


# As a table


def small_explanation(n_rows: int) -> Explanation:
    """Two columns, of which the first adds nothing in the first row."""
    contribution = np.tile([1.0, 2.0], (n_rows, 1))
    contribution[0, 0] = 0.0
    return Explanation(
        ("<b>", "mode"),
        contribution.sum(axis=1) + 0.5,
        np.full(n_rows, 0.5),
        contribution,
        {"<b>": np.full(n_rows, 1.0 / 3.0), "mode": np.array(["a & b", None] * n_rows)[:n_rows]},
        np.arange(n_rows) != 1,
    )


def test_an_explanation_becomes_a_table():
    table = small_explanation(2).to_table(3)
    assert table.to_pylist() == [
        {
            **{"row": 0, "energy": 2.5, "reference_energy": 0.5, "is_explained": True},
            **{"top_feature_1": "mode", "contribution_1": 2.0, "expected_1": "a & b"},
            **{"top_feature_2": None, "contribution_2": None, "expected_2": None},
            **{"top_feature_3": None, "contribution_3": None, "expected_3": None},
        },
        {
            **{"row": 1, "energy": 3.5, "reference_energy": 0.5, "is_explained": False},
            **{"top_feature_1": "mode", "contribution_1": 2.0, "expected_1": None},
            **{"top_feature_2": "<b>", "contribution_2": 1.0, "expected_2": "0.333333"},
            **{"top_feature_3": None, "contribution_3": None, "expected_3": None},
        },
    ]


def test_the_table_of_a_fitted_model_names_its_strongest_columns(explanation):
    table = explanation.to_table(2)
    np.testing.assert_array_equal(table["energy"], explanation.energy)
    names = [table[f"top_feature_{i}"].to_pylist() for i in (1, 2)]
    assert np.array(names, dtype=object).T.tolist() == explanation.top_features(2).tolist()
    assert table["top_feature_1"].to_pylist()[:10] == ["a"] * 10
    empty = np.empty(0)
    nothing = Explanation(("a",), empty, empty, np.empty((0, 1)), {"a": empty}, empty == 0.0)
    assert nothing.to_table().num_rows == 0
    with pytest.raises(ArgumentError, match=r"^n must be an int >= 1, got 0\.$"):
        explanation.to_table(0)


def test_a_notebook_shows_the_first_rows_with_names_escaped():
    page = small_explanation(25)._repr_html_()
    assert "<b>" not in page
    assert page.count("<td>&lt;b&gt;</td>") == 19
    assert page.count("<td>a &amp; b</td>") == 10
    assert page.count("<tr>") == 21
    assert page.endswith("<p>5 more rows; to_table() has all.</p>")
    assert "more rows" not in small_explanation(20)._repr_html_()
