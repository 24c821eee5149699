"""The fit of a fleet: many small fits on all cores, which begin at networks that they share.

A small fit is steps of training, which fill a core with arithmetic, and EM in many short calls of
NumPy, for which threads would wait for each other: assets are fitted side by side in processes.
The compiled program is the same for all assets of one kind, and comes from the disk.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import joblib
import narwhals as nw
import numpy as np
from jaxtyping import Int64

from dagmm._core.errors import InputError
from dagmm._core.parallel import keep_to_one_core, n_cores
from dagmm._core.progress import Progress
from dagmm._version import __version__
from dagmm.data.base import ANY_STYLE, TableStyle
from dagmm.data.frames import FrameRows
from dagmm.estimators.detector import DAGMMDetector
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.fitted_fleet import parts_of
from dagmm.preprocessing.one_asset import OneAsset
from dagmm.training.config import ConfigOptions
from dagmm.training.presets.networks import CYCLES_OF_FEW

if TYPE_CHECKING:
    from dagmm.training.start import FleetStart

_T = TypeVar("_T")
#: Runs a function on each of some items elsewhere, and yields what it returns, in any order.
RunApart: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
#: Assets whose rows the networks of a fleet are trained on, at most, and the fewest assets that
#: this is of use for: it takes as long as the fit of one or two.
_STARTING, FEWEST_TOGETHER = 32, 4
#: Rows of all assets, at most, that the model of all is fitted to, drawn at random.
MOST_ROWS_OF_ALL = 20_000
#: Fewer assets are fitted in this process: others take seconds to begin.
_FEWEST_SIDE_BY_SIDE = 4


class AssetRows(NamedTuple):
    """The rows of an asset."""

    asset: str
    table: Any
    """Of the library that the whole table is of, without the column of the asset."""
    style: TableStyle = ANY_STYLE

    @property
    def rows(self) -> FrameRows:
        """The rows, as a fit takes them."""
        return FrameRows(nw.from_native(self.table, eager_only=True), self.style)

    @property
    def n_rows(self) -> int:
        """How many there are."""
        return len(self.table)


def digest_of_rows(*what: object) -> str:
    """Tell rows, and what else decides a fit, from others."""
    return str(joblib.hash((*what, __version__), hash_name="sha1"))


class AssetFit(NamedTuple):
    """What came of the fit of an asset."""

    asset: str
    model: FittedModel | None
    """None where it was saved, or there is none."""
    why_not: str
    """Why there is none; empty where there is one."""
    warnings: tuple[tuple[type[Warning], str], ...]


@dataclass(frozen=True)
class _Job:
    rows: AssetRows
    per: str
    arguments: dict[str, Any]
    start: "FleetStart | None"
    record: dict[str, Any]
    path: str | None


def split_table(rows: FrameRows, per: str) -> dict[str, AssetRows]:
    """Return the rows of each asset, in the order in which assets come.

    Raises
    ------
    InputError
        If a row names no asset.
    """
    chunk = rows.chunk(0, rows.n_rows)
    rest = [name for name in rows.names if name != per]
    if not rest:
        raise InputError(f"column {per!r} is the only one; there is nothing to fit.")
    found = {}
    for part in parts_of(chunk, per):
        some = rows.frame.select(rest)[part.places]
        found[part.asset] = AssetRows(part.asset, some.to_native(), rows.style)
    return found


def draw_of_all(rows: FrameRows, seed: int, *, whole: bool) -> FrameRows:
    """Draw the rows that the model of all is fitted to, in the order of the table."""
    if whole or rows.n_rows <= MOST_ROWS_OF_ALL:
        return rows
    return FrameRows(rows.frame[drawn_numbers(rows.n_rows, seed)], rows.style)


def drawn_numbers(n_rows: int, seed: int) -> Int64[np.ndarray, " n_drawn"]:
    """Draw the numbers of the rows that the model of all is fitted to, in ascending order."""
    if n_rows <= MOST_ROWS_OF_ALL:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, MOST_ROWS_OF_ALL, replace=False))


def of_all_arguments(arguments: Mapping[str, Any], per: str) -> dict[str, Any]:
    """Return the arguments of the detector of all assets."""
    config = {"cycles": CYCLES_OF_FEW, **(arguments.get("config") or {})}
    return {**arguments, "group": per, "config": config}


def starting(assets: Sequence[_T]) -> list[_T]:
    """Return the assets, or their names, whose rows the networks of a fleet are trained on."""
    places = np.linspace(0, len(assets) - 1, min(_STARTING, len(assets))).astype(int)
    return [assets[place] for place in places.tolist()]


def fit_start(
    assets: Sequence[AssetRows], arguments: Mapping[str, Any], progress: Progress
) -> "FleetStart":
    """Train networks on rows of several assets, for all of them to begin at.

    Parameters
    ----------
    assets : sequence of AssetRows
        With enough rows to be fitted.
    arguments : mapping
        Of the detector.
    progress : Progress
    """
    from dagmm.training.fit import Seeds, prepare
    from dagmm.training.start import FleetStart, train_together

    detector = DAGMMDetector(**arguments)
    data, options = detector._data(), ConfigOptions.of(detector.config)
    if data.window is not None or len(assets) < FEWEST_TOGETHER:
        return FleetStart({})
    seeds = Seeds(*np.random.SeedSequence(detector._seed()).spawn(5))
    prepared, presets = [], {}
    for asset in starting(assets):
        rows = asset.rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each is said at the fit of the asset
            try:
                one = prepare(rows, data, detector.n_members, seeds, Progress())
            except InputError:
                continue  # named where the asset is fitted
        prepared.append(one)
        presets[id(one)] = detector._preset(rows, data, options)

    return train_together(
        prepared,
        lambda one: presets[id(one)](one.split.n_each, one.shape),
        seeds.training,
        progress,
    )


def fit_assets(
    assets: Sequence[AssetRows],
    per: str,
    arguments: dict[str, Any],
    start: "FleetStart | None",
    record: dict[str, Any],
    paths: Mapping[str, str] | None,
    n_jobs: int | None,
    run: RunApart | None = None,
) -> Iterator[AssetFit]:
    """Fit assets side by side, and yield what came of each as it ends.

    Parameters
    ----------
    assets : sequence of AssetRows
    per : str
        The column that names them.
    arguments : dict
        Of the detector.
    start : FleetStart or None
        Where their networks begin; by default as in a fit alone.
    record : dict
        What the record of each model says beside its training.
    paths : mapping of str to str, optional
        Where the models are saved; they are returned by default.
    n_jobs : int or None
        Processes; as many as there are cores by default.
    run : callable, optional
        Fits them elsewhere.
    """
    jobs = [
        _Job(one, per, arguments, start, record, None if paths is None else paths[one.asset])
        for one in assets
    ]
    if run is not None:
        yield from run(_fit_one, jobs)
        return
    n = min(n_cores() if n_jobs is None else n_jobs, len(jobs))
    if n < 2 or len(jobs) < _FEWEST_SIDE_BY_SIDE:
        yield from map(_fit_one, jobs)
        return
    pool = joblib.Parallel(n, return_as="generator_unordered", batch_size=1, max_nbytes=None)
    yield from pool(joblib.delayed(_fit_beside)(job) for job in jobs)


def _fit_beside(job: _Job) -> AssetFit:
    """Fit an asset in a process of its own."""
    keep_to_one_core()
    return _fit_one(job)


def _fit_one(job: _Job) -> AssetFit:
    asset = job.rows.asset
    detector = DAGMMDetector(**job.arguments)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            detector._fit(job.rows.rows, job.start)
        except InputError as error:
            return AssetFit(asset, None, str(error), ())
    detector._remember(**job.record)
    detector.model_ = detector.model_.of_asset(OneAsset(job.per, asset))
    if job.path is not None:
        detector.save(job.path)
    texts = tuple(dict.fromkeys((one.category, str(one.message)) for one in said))
    return AssetFit(asset, None if job.path else detector.model_, "", texts)
