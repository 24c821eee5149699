"""Recorded functions, run by two evaluators, beside NumPy's own."""

import numpy as np
import pytest

from dagmm.inference.export.recording.loops import repeat_while
from dagmm.inference.export.recording.recorder import RecordingError, needed
from recorded_formulas import evaluated, recorded

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 3)) * np.array([1e-9, 1.0, 30.0])
Y = RNG.normal(size=(7, 3))
KNOTS = np.array([-2.0, -0.5, -0.5, 0.1, 3.0])
UNIQUE, HEIGHTS = np.array([-2.0, -0.5, 0.1, 3.0]), np.array([1.0, 0.0, 7.0, 2.0])

FORMULAS = {
    "operators": lambda x, y: (2.0 - x) * y / (np.abs(x) + 1.0) + -y,
    "powers": lambda x, y: x**2 + np.abs(y) ** 1.5,
    "remainder": lambda x, y: (100.0 * y) % 7.0,
    "comparisons": lambda x, y: (x < y) | ((x >= y) & ~(y > 0.5)) | (x != x) | (x <= -20.0),
    "flags become numbers": lambda x, y: (x > y) * 3.0 - (y == y),
    "exp, log, sqrt": lambda x, y: np.log(np.exp(y)) + np.sqrt(np.abs(x)),
    "log1p": lambda x, y: np.log1p(np.abs(x)),
    "expm1": lambda x, y: np.expm1(x),
    "logaddexp": lambda x, y: np.logaddexp(x, 0.0),
    "tanh, sin, cos, floor": lambda x, y: np.tanh(x) + np.sin(y) * np.cos(x) - np.floor(x),
    "limits": lambda x, y: np.clip(np.minimum(np.maximum(x, y), 0.7), -0.2, 0.5),
    "where": lambda x, y: np.where(x > 0.0, y, 0.0),
    "ldexp": lambda x, y: np.ldexp(x, np.array([3, -1074, 1070])),
    "nan_to_num": lambda x, y: np.nan_to_num(x / (y > 0.0), nan=5.0, posinf=6.0, neginf=-6.0),
    "isfinite": lambda x, y: np.isfinite(x / (y > 0.0)),
    "like": lambda x, y: np.zeros_like(x) + 2.0 * np.ones_like(y),
    "sums": lambda x, y: x.sum(axis=1)[:, None] + y.sum(axis=-1, keepdims=True),
    "a sum of all": lambda x, y: x.sum()[None] + (x > 0).sum(),
    "extremes": lambda x, y: x.max(axis=1) - y.min(axis=1),
    "any": lambda x, y: ~(x > 0).any(axis=1),
    "all": lambda x, y: (x > -1.0).all(axis=1, keepdims=True),
    "products": lambda x, y: Y[:3] @ x.T,
    "stacked products": lambda x, y: np.stack([Y[:3], Y[3:6]]) @ x.T[None],
    "joined": lambda x, y: np.concatenate([x, y[:, :0], y[:, 1:]], axis=1),
    "stack": lambda x, y: np.stack([x[:, 0], y[:, 1]], axis=1),
    "parts": lambda x, y: x[:, None, 1:, None] + y[:, 0, None, None, None],
    "places": lambda x, y: x[:, np.array([2, 0])] - y[..., -1:],
    "turned": lambda x, y: x.T[:2].T + y.mT.T[:, :2],
    "shapes": lambda x, y: (
        (x.T[:, None] * y.T).transpose(1, 0, 2).reshape(3, -1, x.shape[0]).sum(1)
    ),
    "squeeze": lambda x, y: x[:, None].squeeze(1),
    "take": lambda x, y: x.__array_namespace__().take(KNOTS, (y > 0.0).astype(np.int64)),
    "left": lambda x, y: np.searchsorted(KNOTS, np.where(y > 0.0, y, -0.5), side="left"),
    "right": lambda x, y: np.searchsorted(KNOTS, np.where(y > 0.0, x, -0.5), side="right"),
    "infinite": lambda x, y: np.searchsorted(KNOTS, y / (0.0 * y), side="right"),
    "one knot": lambda x, y: np.searchsorted(KNOTS[:1], x, side="right"),
    "interp": lambda x, y: np.interp(x, UNIQUE, HEIGHTS),
}


DTYPES = (np.float64, np.float32)


@pytest.mark.parametrize(
    ("name", "dtype"),
    # Columns are scaled by powers of two in float64 alone.
    [(n, d) for n in FORMULAS for d in DTYPES if (n, d) != ("ldexp", np.float32)],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow)")
def test_a_recorded_formula_is_numpys(name, dtype):
    x, y = X.astype(dtype), Y.astype(dtype)
    expected = FORMULAS[name](x, y)
    for found in evaluated(FORMULAS[name], x, y):
        assert found.dtype == expected.dtype
        rtol = 1e-13 if expected.dtype == np.float64 else 3e-6
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-300)


def test_a_step_in_place_binds_a_name_anew():
    def formula(x):
        u = x * x
        u += 1.0
        u *= x
        return u

    for found in evaluated(formula, X):
        np.testing.assert_allclose(found, X * (X * X + 1.0), rtol=1e-15)


def test_a_loop_ends_by_its_condition_and_by_its_count():
    def doubled(x, most):
        return repeat_while(lambda one: one.max() < 100.0, lambda one: [2.0 * one], [x], most)[0]

    x = np.array([[3.0], [1.0]])
    for most, factor in ((50, 64.0), (3, 8.0), (0, 1.0)):
        for found in evaluated(lambda x, most=most: doubled(x, most), x):
            np.testing.assert_array_equal(found, factor * x)


def test_a_constant_is_taken_down_once():
    recorder, _, (x,) = recorded([X])
    for _ in range(3):
        x = x + KNOTS[:3]
    assert len(recorder.constants) == 1


def test_what_nothing_depends_on_is_left_out():
    recorder, _, (x,) = recorded([X])
    wanted, _ = x + 1.0, np.exp(x) * 2.0
    assert len(recorder.nodes) == 3
    assert [one.operator for one in needed(recorder.nodes, [wanted.value.name])] == ["Add"]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (np.linalg.norm, r"^numpy\.norm is none of the functions that can be recorded$"),
        (np.arctan, r"^numpy\.arctan is none of the functions that can be recorded$"),
        (np.add.reduce, r"^numpy\.add\.reduce cannot be recorded$"),
        (np.asarray, r"^it needs the values of an array, which a graph does not have yet$"),
        (lambda x: 1 if x.max() > 0 else 0, r"^it needs the values of an array"),
        (len, r"^it needs the number of rows, which a graph does not know$"),
        (lambda x: x[:3], r"^some of the rows cannot be taken$"),
        (lambda x: x[x > 0.0], r"^a part by Recorded cannot be recorded$"),
        (lambda x: x.__setitem__(0, 1.0), r"^a part of an array cannot be changed in place$"),
        (lambda x: np.add(Y, x, out=Y), r"^a part of an array cannot be changed in place$"),
        (lambda x: x + np.ones(4), r"^shapes \('rows', 3\) and \(4,\) do not fit each other$"),
        (lambda x: x @ np.ones((4, 2)), r"^matrices of shapes .* have no product$"),
        (lambda x: np.concatenate([x, x]), r"^rows cannot be joined$"),
        (lambda x: x.reshape(5, 7), r"^shape \('rows', 3\) cannot become \(5, 7\)$"),
    ],
)
def test_what_cannot_be_recorded_is_said(formula, message):
    _, _, (x,) = recorded([X])
    with pytest.raises(RecordingError, match=message):
        formula(x)
