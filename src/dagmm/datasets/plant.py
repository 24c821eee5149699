"""A simulated plant: sensors that move together, and faults whose sensor is known."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from dagmm._core.arguments import check_int

#: The sensors of the simulated plant, a pump with its motor, in the order of its tables.
SENSORS = (
    "speed",
    "valve_position",
    "flow",
    "inlet_pressure",
    "outlet_pressure",
    "motor_current",
    "motor_power",
    "motor_temperature",
    "bearing_temperature",
    "oil_temperature",
    "water_temperature",
    "vibration",
)
#: What can happen to a sensor; see :func:`simulated_plant`.
FAULTS = ("spike", "bias", "drift", "frozen", "uncorrelated", "lost")
#: What the column ``fault`` says of a row without one.
NORMAL = "normal"

_START = datetime(2026, 1, 5)
#: Rows of a day: there is one every minute.
_DAY = 1440
#: Rows at the start of the test table, and between two faults, that are normal.
_GAP = 20
#: Rows of a fault.
_SPIKE_ROWS, _FAULT_ROWS = 3, 30


def simulated_plant(
    n_train: int = 4000, n_test: int = 2000, seed: int = 0
) -> tuple[pa.Table, pa.Table]:
    """Simulate a pump and its motor, a row a minute: normal rows, then rows with faults.

    The pump idles, runs at part load and at full load, for about an hour each; all sensors follow
    the load, each in its own way and some with a lag, the temperatures also the time of the day.
    The filter clogs slowly and is cleaned twice a day, so that normal readings drift. A fault
    changes the readings of one sensor:

    ``spike``
        Three rows far off, by 4 to 8 standard deviations of the sensor.
    ``bias``
        30 rows off by 2 to 4 standard deviations.
    ``drift``
        30 rows that move away, to 3 to 6 standard deviations.
    ``frozen``
        120 rows that keep the first one's value.
    ``uncorrelated``
        30 rows mirrored at the sensor's mean: usual values at the wrong time.
    ``lost``
        30 rows a quarter of the range below the lowest reading, as from a broken wire.

    Parameters
    ----------
    n_train : int, default=4000
        Rows without faults. Regimes repeat every few hundred rows: fewer do not show all of them.
    n_test : int, default=2000
        Rows that follow them, about half with a fault.
    seed : int, default=0

    Returns
    -------
    train, test : pyarrow.Table
        ``time`` (timestamp), the columns of :data:`SENSORS`, ``fault`` (``normal`` or the kind)
        and ``faulty_sensor`` (null in normal rows). A row of a fault that has only begun to drift
        or whose neighbours have not moved since it froze may still look normal.

    Raises
    ------
    ArgumentError
        If a number of rows is less than 1.

    Examples
    --------
    >>> from dagmm.datasets import SENSORS, simulated_plant
    >>> train, test = simulated_plant(seed=0)
    >>> train.select(SENSORS).shape
    (4000, 12)
    """
    n_train, n_test = check_int("n_train", n_train, 1), check_int("n_test", n_test, 1)
    rng = np.random.default_rng(seed)
    readings = _readings(n_train + n_test, rng)
    usual = readings[:n_train].copy()
    test, kinds, sensors = _with_faults(readings[n_train:], usual, rng)
    normal = [NORMAL] * n_train
    return (
        _table(usual, 0, normal, [None] * n_train),
        _table(test, n_train, kinds, sensors),
    )


def _readings(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return readings without faults, shape (n_rows, n_sensors)."""
    load = np.maximum(_lagged(_regimes(n_rows, rng), 5) + 0.02 * _wander(n_rows, rng), 0.02)
    row = np.arange(n_rows)
    ambient = 20.0 + 5.0 * np.sin(2.0 * np.pi * row / _DAY) + 0.5 * _wander(n_rows, rng)
    clogged = (row % (_DAY // 2)) / (_DAY // 2)
    heat = _lagged(load**2, 30)
    friction = _lagged(load, 15)
    flow = 120.0 * load * (1.0 - 0.15 * clogged)
    outlet = 1.0 + 7.0 * load**2 * (1.0 + 0.2 * clogged)
    current = 6.0 + 30.0 * load**2 + 4.0 * load * clogged
    bearing = ambient + 8.0 + 30.0 * friction
    exact = {
        "speed": 600.0 + 2400.0 * load,
        "valve_position": 15.0 + 70.0 * np.sqrt(load),
        "flow": flow,
        "inlet_pressure": 2.5 - 1.2 * load**1.5 - 0.4 * clogged * load,
        "outlet_pressure": outlet,
        "motor_current": current,
        "motor_power": 0.35 * current + 0.01 * flow * outlet,
        "motor_temperature": ambient + 10.0 + 55.0 * heat,
        "bearing_temperature": bearing,
        "oil_temperature": 0.6 * bearing + 0.4 * (ambient + 40.0 * heat),
        "water_temperature": 0.7 * ambient + 4.0 + 12.0 * friction,
        "vibration": 1.0 + 2.0 * load + 1.2 * np.exp(-(((load - 0.55) / 0.1) ** 2)),
    }
    values = np.stack([exact[name] for name in SENSORS], axis=1)
    noise = 0.02 * values.std(axis=0)
    return values + noise * rng.normal(size=values.shape)


def _regimes(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Load that is asked for in each row: idle, part load or full load, an hour or so each."""
    asked: list[np.ndarray] = []
    regime, left = 0, n_rows
    while left > 0:
        regime = int((regime + rng.integers(1, 3)) % 3)
        level = (0.1, 0.55, 0.95)[regime] + 0.03 * rng.normal()
        asked.append(np.full(min(left, int(rng.integers(40, 90))), level))
        left -= len(asked[-1])
    return np.concatenate(asked)


def _lagged(values: np.ndarray, rows: int) -> np.ndarray:
    """Follow values with a lag of so many rows, as heat and inertia do."""
    result = np.empty_like(values)
    state = values[0]
    for i, value in enumerate(values):
        state += (value - state) / rows
        result[i] = state
    return result


def _wander(n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Slow noise of deviation one: white noise behind a lag of 20 rows."""
    share = 1.0 / 20.0
    return _lagged(rng.normal(size=n_rows), 20) * np.sqrt((2.0 - share) / share)


def _with_faults(
    readings: np.ndarray, usual: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[str], list[str | None]]:
    """Put faults of all kinds, one after another, on sensors drawn at random."""
    readings = readings.copy()
    kinds, sensors = [NORMAL] * len(readings), [None] * len(readings)
    start, i = _GAP, 0
    drawn = rng.permutation(len(SENSORS))
    while True:
        kind, column = FAULTS[i % len(FAULTS)], int(drawn[i % len(drawn)])
        rows = {"spike": _SPIKE_ROWS, "frozen": 4 * _FAULT_ROWS}.get(kind, _FAULT_ROWS)
        if start + rows > len(readings):
            return readings, kinds, sensors  # type: ignore[return-value]
        part = slice(start, start + rows)
        readings[part, column] = _faulty(kind, readings[part, column], usual[:, column], rng)
        kinds[part] = [kind] * rows
        sensors[part] = [SENSORS[column]] * rows  # type: ignore[list-item]
        start += rows + _GAP
        i += 1
        if i % len(drawn) == 0:
            drawn = rng.permutation(len(SENSORS))


def _faulty(
    kind: str, values: np.ndarray, usual: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what a faulty sensor reads instead of some values."""
    unit = usual.std() * rng.choice((-1.0, 1.0))
    match kind:
        case "spike":
            return values + unit * rng.uniform(4.0, 8.0, len(values))
        case "bias":
            return values + unit * rng.uniform(2.0, 4.0)
        case "drift":
            return values + unit * rng.uniform(3.0, 6.0) * np.linspace(0.0, 1.0, len(values))
        case "frozen":
            return np.full_like(values, values[0])
        case "uncorrelated":
            return 2.0 * usual.mean() - values
        case _:
            return np.full_like(values, usual.min() - 0.25 * np.ptp(usual))


def _table(
    values: np.ndarray, first: int, kinds: list[str], sensors: list[str | None]
) -> pa.Table:
    times = [_START + timedelta(minutes=first + i) for i in range(len(values))]
    columns: dict[str, pa.Array] = {"time": pa.array(times, pa.timestamp("s"))}
    columns |= {name: pa.array(values[:, i]) for i, name in enumerate(SENSORS)}
    columns["fault"] = pa.array(kinds, pa.string())
    columns["faulty_sensor"] = pa.array(sensors, pa.string())
    return pa.table(columns)
