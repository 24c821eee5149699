"""Columns that look like labels are warned of; columns that only sound like it are not."""

import warnings

import numpy as np
import pandas as pd
import pytest

from dagmm._core.errors import TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.label_names import is_label_name
from dagmm.preprocessing.table_fit import fit_table_encoder

N_ROWS = 60


@pytest.mark.parametrize(
    "name",
    [
        *("anomaly", "Anomaly", "is_anomaly", "isAnomaly", "ANOMALY", "anomaly_flag", "outlier"),
        *("label", "Label", "labels", "class", "Class", "target", "flag", "fault", "fault_type"),
        *("pump_fault", "FaultFlag", "true label", "y_label", "is_normal", "attack", "label1"),
        *(
            "異常",
            "異常フラグ",
            "異常_フラグ",
            "ラベル",
            "故障",
            "正常",
            "ポンプ故障",
            "異常検知結果",
        ),
        *("良否判定", "ﾗﾍﾞﾙ"),
    ],
)
def test_names_of_labels(name):
    assert is_label_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("flow_label_rate", "fault_current", "fault_count", "vehicle_class", "door_flag"),
        *("target_temperature", "classic", "flagstaff", "default", "normalized", "type", "status"),
        *("x0", "y", "", "temp", "abnormality", "label_rate", "target_flow", "attack_angle"),
        *("異常振動数", "正常圧力", "故障回数", "回転数", "判定値", "フラグ数"),
    ],
)
def test_names_of_other_columns(name):
    assert not is_label_name(name)


def table(**columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"temp": rng.normal(size=N_ROWS), **columns})


def said(frame, roles=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = fit_table_encoder(as_rows(frame), roles=roles)
    assert all(warning.category is TableWarning for warning in caught)
    return [str(warning.message) for warning in caught], encoder


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.arange(N_ROWS) % 2, "2 different values"),
        (np.arange(N_ROWS) % 2 == 0, "2 different values"),
        (np.where(np.arange(N_ROWS) % 3 == 0, np.nan, 1.0), "1 different value"),
        (np.array(["smurf", "normal", "back"] * (N_ROWS // 3)), "3 different values"),
        (pd.Categorical(["smurf", "normal", "back"] * (N_ROWS // 3)), "3 different values"),
        (np.zeros(N_ROWS), "1 different value"),
    ],
)
def test_a_column_that_looks_like_a_label_is_fitted_to_with_a_warning(values, found):
    messages, encoder = said(table(anomaly=values))
    assert messages == [
        f"column 'anomaly' looks like a label and is fitted to: it has that name, and {found}. "
        "Leave it out with drop=['anomaly'] if it is one."
    ]
    assert encoder.columns == ("temp", "anomaly")


def test_a_column_of_many_values_is_none_whatever_its_name():
    rng = np.random.default_rng(0)
    frame = table(
        flow_label_rate=np.arange(N_ROWS) % 2,
        target=rng.normal(size=N_ROWS),
        label=[f"{i % 31}" + "x" for i in range(N_ROWS)],
    )
    frame["class"] = rng.integers(0, 40, N_ROWS).astype(float)
    assert said(frame)[0] == []


def test_a_role_that_is_told_says_that_it_is_none():
    flag = np.arange(N_ROWS) % 2
    frame = table(fault=flag, flag=flag, label=flag, target=flag)
    roles = ColumnRoles(("label",), ("fault",), ("flag",), None, "target")
    assert said(frame, roles)[0] == []
