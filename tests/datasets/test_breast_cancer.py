"""Data for the demo."""

from dagmm.datasets import breast_cancer, split_normal


def test_breast_cancer_has_names_numbers_and_labels() -> None:
    table = breast_cancer()
    assert table.shape == (569, 32)
    assert table.column_names[:2] == ["id", "mean radius"]
    assert table.column_names[-1] == "label"
    assert len(set(table["id"].to_pylist())) == 569
    labels = table["label"].to_pylist()
    assert (labels.count("benign"), labels.count("malignant")) == (357, 212)
    assert {str(field.type) for field in table.schema} == {"string", "double"}


def test_the_normal_rows_are_halved_and_nothing_is_lost() -> None:
    table = breast_cancer()
    train, test = split_normal(table, "label", "benign", seed=1)
    assert (train.num_rows, test.num_rows) == (178, 391)
    assert set(train["label"].to_pylist()) == {"benign"}
    assert set(train["id"].to_pylist()) | set(test["id"].to_pylist()) == set(
        table["id"].to_pylist()
    )
    assert split_normal(table, "label", "benign", seed=1)[0].equals(train)
    assert not split_normal(table, "label", "benign", seed=2)[0].equals(train)
