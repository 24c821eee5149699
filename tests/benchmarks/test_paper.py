import sys

import numpy as np
import pytest

import paper
import paper_methods
from dagmm import DAGMM
from paper_methods import ROWS, TABLE_2_ROWS, Row, setting_of
from paper_published import TABLE_2
from paper_sets import SETS, SHARED, Set, f1_of, split


def test_f1_counts_the_highest_energies():
    energy, anomaly = np.arange(10.0), np.isin(np.arange(10), [2, 8, 9])
    assert f1_of(energy, anomaly, 0.4) == {
        "f1": pytest.approx(2 * 2 / (4 + 3)),
        "precision": pytest.approx(2 / 4),
        "recall": pytest.approx(2 / 3),
    }


def test_published_figures_agree_with_each_other():
    """F1 of means is nearly the mean of F1."""
    for method, of_sets in TABLE_2.items():
        for name, (precision, recall, f1) in of_sets.items():
            harmonic = 2.0 * precision * recall / (precision + recall)
            assert f1 == pytest.approx(harmonic, abs=0.01), (method, name)


def test_anomalies_among_the_training_rows_come_from_the_training_half():
    anomaly = np.random.default_rng(0).random(2000) < 0.3
    normal, test = split(anomaly, None, 3)
    train, other_test = split(anomaly, None, 3, 0.05)
    np.testing.assert_array_equal(test, other_test)
    np.testing.assert_array_equal(train[: len(normal)], normal)
    assert anomaly[train].mean() == pytest.approx(0.05, abs=0.001)
    assert not anomaly[normal].any()
    assert not np.isin(train, test).any()
    assert len(np.unique(train)) == len(train)


def test_too_few_anomalies_are_said():
    anomaly = np.arange(1000) < 10
    with pytest.raises(SystemExit) as caught:
        split(anomaly, None, 0, 0.05)
    n_normal = len(split(anomaly, None, 0)[0])
    wanted = round(0.05 / 0.95 * n_normal)
    assert str(caught.value).startswith(f"5% of anomalies are {wanted} rows; the training half")


def test_variants_train_as_dagmm_does():
    settings = SHARED | SETS["thyroid"].settings
    config = DAGMM(**settings)._config(1700, (6,))
    setting = setting_of(settings, 1700, 6)
    assert setting.architecture == config.architectures[0]
    assert setting.training == config.training
    assert setting.relative_floor == 1e-5


@pytest.fixture
def radius(monkeypatch):
    """A set whose anomalies lie far out, and every row of the tables a distance."""
    x = np.random.default_rng(0).normal(size=(400, 3))
    x[:80] *= 6.0
    one = Set(lambda data, flags: (x, np.arange(400) < 80), 0.2, {"comp_hiddens": [2]})
    monkeypatch.setitem(paper.SETS, "kddcup", one)
    monkeypatch.setattr(paper, "load", lambda name, data, flags: one.load(data, flags))
    for name, row in list(ROWS.items()):
        far = Row(row.title, lambda x, seed, s: lambda r: ((r - x.mean(0)) ** 2).sum(1))
        monkeypatch.setitem(paper.ROWS, name, far)


@pytest.mark.parametrize("table", ["2", "3"])
def test_a_table_has_all_its_rows_and_is_resumed(table, radius, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.json"
    options = ["--data", "d", "--table", table, "--sets", "kddcup", "--runs", "2"]
    monkeypatch.setattr(sys, "argv", ["paper.py", *options, "--out", str(out)])
    paper.main()
    printed = capsys.readouterr().out
    rows = list(TABLE_2_ROWS) if table == "2" else ["dagmm", "dcn", "dsebm-e", "oc-svm"]
    for row in rows:
        lines = [line for line in printed.splitlines() if line.startswith(ROWS[row].title + " ")]
        assert len(lines) == (1 if table == "2" else 5)
        assert all(line.split()[len(ROWS[row].title.split())] == "2" for line in lines)
    if table == "2":
        assert "0.795      0.746   0.852" in printed  # OC-SVM of the paper
    else:
        assert "kddcup 5%" in printed

    monkeypatch.setattr(paper, "one_run", None)
    paper.main()
    assert capsys.readouterr().out == printed


def test_rows_that_begin_with_one_autoencoder_share_it(monkeypatch):
    made = []

    def pretrained(x, seed, setting):
        made.append((x, seed))
        return np.zeros(3)

    monkeypatch.setattr(paper_methods.paper_variants, "pretrained", pretrained)
    monkeypatch.setattr(
        paper_methods.paper_variants, "trained_autoencoder", lambda *parts: parts[-1].sum()
    )
    shared, x = paper_methods.Pretrained(), np.ones((4, 2))
    assert shared.of(x, 0, "paper")[1] == shared.of(x, 0, "paper")[1] == 0.0
    assert len(made) == 1
    shared.of(x.copy(), 0, "paper")
    shared.of(made[-1][0], 1, "paper")
    shared.of(made[-1][0], 1, "other")
    assert len(made) == 4


def test_encoded_rows_are_scaled_by_the_training_rows():
    train, test = paper_methods.encoded(np.array([[0.0], [4.0]]), np.array([[8.0]]), "minmax")
    np.testing.assert_allclose(train, [[0.0], [1.0]])
    np.testing.assert_allclose(test, [[2.0]])
