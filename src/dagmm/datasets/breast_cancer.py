"""Data for the demo, for first steps and for tests, from scikit-learn."""

import numpy as np
import pyarrow as pa


def breast_cancer() -> pa.Table:
    """Measurements of cells from breast tumours (Wisconsin, 1995), each benign or malignant.

    Returns
    -------
    pyarrow.Table
        569 rows: ``id``, 30 numeric columns, and ``label``, which is ``benign`` (357 rows) or
        ``malignant`` (212 rows). ``id`` is the row's number in scikit-learn's table.

    Examples
    --------
    >>> from dagmm.datasets import breast_cancer
    >>> breast_cancer().shape
    (569, 32)
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    columns = {"id": pa.array([f"tumour-{i:03d}" for i in range(len(data.target))])}
    for i, name in enumerate(data.feature_names):
        columns[str(name)] = pa.array(data.data[:, i])
    columns["label"] = pa.array([str(data.target_names[target]) for target in data.target])
    return pa.table(columns)


def split_normal(
    table: pa.Table, label: str, normal: str, seed: int = 0
) -> tuple[pa.Table, pa.Table]:
    """Half of the normal rows to train on; the other half and all anomalies to test on.

    Parameters
    ----------
    table : pyarrow.Table
    label : str
        The column that says what a row is.
    normal : str
        Its value for normal rows.
    seed : int, default=0
        Decides which half.

    Returns
    -------
    train, test : pyarrow.Table
        Rows in the order of the table.

    Examples
    --------
    >>> from dagmm.datasets import breast_cancer, split_normal
    >>> train, test = split_normal(breast_cancer(), label="label", normal="benign")
    >>> train.num_rows, test.num_rows
    (178, 391)
    """
    is_normal = np.array([value == normal for value in table[label].to_pylist()])
    order = np.random.default_rng(seed).permutation(np.flatnonzero(is_normal))
    in_train = np.zeros(len(is_normal), bool)
    in_train[order[: len(order) // 2]] = True
    return table.filter(pa.array(in_train)), table.filter(pa.array(~in_train))
