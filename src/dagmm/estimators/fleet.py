"""The detector of a fleet: one model for each asset, fitted, scored and kept as one thing."""

import os
import re
import time as clock
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import ArgumentError, InputError, ModelFileError, TableWarning
from dagmm._core.lazy_imports import check_jax
from dagmm._core.progress import Progress, progress_for
from dagmm._core.wording import given, named
from dagmm.data.frames import FrameRows
from dagmm.estimators.arguments import is_plain_argument, plain_argument
from dagmm.estimators.detector import DAGMMDetector
from dagmm.estimators.fleet_base import FittedFleetEstimator, in_words
from dagmm.estimators.fleet_fit import (
    AssetRows,
    digest_of_rows,
    fit_assets,
    fit_start,
    split_table,
    starting,
)
from dagmm.inference.calibration.threshold_rules import check_contamination
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.batches import UNSEEN
from dagmm.inference.fleet.directory import (
    OF_ALL,
    START,
    FleetManifest,
    SavedFleet,
    SavedModels,
    check_target,
    is_saved_fleet,
    model_path,
    read_manifest,
    write_manifest,
)
from dagmm.inference.fleet.fitted_fleet import Asset, FittedFleet, listed, parts_of
from dagmm.inference.persistence.directory import load_model, save_model
from dagmm.training.presets import FLEET_MEMBERS

if TYPE_CHECKING:
    from dagmm.training.start import FleetStart

_NUMBER = re.compile(r"[\d.,e+-]*\d")
#: Seconds between two writes of what is finished.
_PAUSE = 5.0


class DAGMMFleet(FittedFleetEstimator):
    """One :class:`DAGMMDetector` for each asset of a fleet of like machines.

    Each asset has encoder, networks, densities and threshold of its own. Networks begin at
    networks that were trained on rows of many assets, so that a fit takes a tenth of the time of
    a fit alone. An asset with too few rows is scored by a model of all assets.

    Parameters
    ----------
    per : str
        The column that names the asset of a row.
    n_members : int, default=2
        Number of networks of each asset; more take as much longer.
    contamination, random_state, drop, categorical, numeric, time, window, step, \
network, config, time_format
        Of the detector of each asset; see :class:`DAGMMDetector`. ``random_state`` must be an
        int, so that an asset's model depends on its rows and not on the other assets' number.
    least_rows : int, default=100
        Assets with fewer rows have no model of their own.
    unseen : {"error", "all"}, default="error"
        What becomes of rows of assets that the fleet was not fitted to: an error, or the model of
        all scores them.
    together : bool, default=True
        Whether networks of rows that are scored by themselves begin at networks of the fleet and
        are trained for few steps. False fits each asset as :class:`DAGMMDetector` would alone, to
        the bit, and takes as long. Assets whose columns are encoded otherwise than those of
        others, and windows, are always fitted so.
    n_jobs : int or None, default=None
        Processes that fit side by side; as many as there are cores by default.
    verbose : int, default=0
        Whether to show progress on standard error, where it is a terminal.

    Attributes
    ----------
    fleet_ : FittedFleet
    assets_ : list of str
    fallbacks_ : dict of str to str
        Assets that have no model of their own, and why.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from dagmm import DAGMMFleet
    >>> a, b = np.random.default_rng(0).normal(size=(2, 300))
    >>> table = pa.table({"pump": ["p1"] * 200 + ["p2"] * 100, "a": a, "b": b})
    >>> fleet = DAGMMFleet("pump", n_members=1, config={"cycles": 1}).fit(table)
    >>> fleet.assets_
    ['p1', 'p2']
    >>> fleet.predict(pa.table({"pump": ["p2"], "a": [0.0], "b": [9.0]})).tolist()
    [-1]
    """

    _manifest: FleetManifest
    _directory: Path | None
    _start: "FleetStart | None"

    def __init__(
        self,
        per: str,
        contamination: Any = "auto",
        n_members: int = FLEET_MEMBERS,
        random_state: int = 0,
        drop: Any = None,
        categorical: Any = None,
        numeric: Any = None,
        time: Any = None,
        window: Any = None,
        step: int = 1,
        network: str = "dense",
        config: Any = None,
        time_format: str | None = None,
        least_rows: int = 100,
        unseen: str = "error",
        together: bool = True,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.per = per
        self.contamination = contamination
        self.n_members = n_members
        self.random_state = random_state
        self.drop = drop
        self.categorical = categorical
        self.numeric = numeric
        self.time = time
        self.window = window
        self.step = step
        self.network = network
        self.config = config
        self.time_format = time_format
        self.least_rows = least_rows
        self.unseen = unseen
        self.together = together
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: object = None, *, checkpoint: Any = None) -> Self:
        """Fit a model to each asset, and one to rows of all.

        Parameters
        ----------
        X : DataFrame, path or Dataset
            Training rows, mostly normal, with the column that names their asset. Held in memory.
        y : ignored
        checkpoint : path-like, optional
            A directory that becomes the saved fleet: models are written there as they are
            finished. A fit that was stopped goes on there, and only assets are fitted whose rows
            have changed since.

        Returns
        -------
        self

        Raises
        ------
        ArgumentError
            If an argument cannot be used, or the directory is of a fit with other arguments.
        InputError
            If the table cannot be used.
        ModelSaveError
            If the checkpoint cannot be written.

        Warns
        -----
        TableWarning
            If assets have no model of their own, and what fits of assets warn of, each once.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> sorted(fleet.fit(table).assets_)
        ['p1', 'p2']
        """
        check_jax("fit")
        self._check()
        rows = self._held(X)
        directory = None if checkpoint is None else Path(checkpoint)
        self._begin(rows, directory)
        self._fit_assets(rows, directory, is_new=True)
        return self

    def add(self, X: Any) -> Self:
        """Fit assets that have come since; the others stay as they are.

        A fleet that was saved keeps new models in memory until it is saved again.

        Parameters
        ----------
        X : DataFrame, path or Dataset
            Rows of new assets.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table cannot be used, or an asset is known already.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> new = table.set_column(0, "pump", pa.array(["p3"] * 300))
        >>> fleet.add(new).assets_
        ['p1', 'p2', 'p3']
        """
        check_is_fitted(self)
        check_jax("add")
        rows = self._held(X)
        known = [p.asset for p in parts_of(rows.chunk(0, rows.n_rows), self.per)]
        known = [asset for asset in known if asset in self.fleet_.assets]
        if known:
            raise InputError(
                f"{self.per} {listed(known)} {'are' if len(known) > 1 else 'is'} part of the "
                "fleet already; add takes new assets. Fit the fleet again to have it learn "
                "assets anew."
            )
        self._fit_assets(rows, None, is_new=False)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fleet to a directory: a saved model for each asset, and a manifest.

        Each is a model of :class:`DAGMMDetector`, and can be restored by itself.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        ModelSaveError
            If the directory holds something else, or cannot be written.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fleet.save(folder)
        ...     same = DAGMMFleet.load(folder)
        >>> same.assets_
        ['p1', 'p2']
        """
        check_is_fitted(self)
        directory = Path(path)
        check_target(directory)
        in_place = self._directory is not None and self._directory.resolve() == directory.resolve()
        plain = self._plain_arguments()
        models = self.fleet_.models
        # What was read from there and has not changed lies there.
        lies_there = models if in_place and isinstance(models, SavedModels) else None
        changed = models if lies_there is None else lies_there.changed
        start = self._start_for_adding()
        write_manifest(directory, FleetManifest(self.per, plain))
        for asset, model in changed.items():
            save_model(model_path(directory, asset), model, "DAGMMDetector", self._saved())
        of_all = self.fleet_.of_all
        save_model(directory / OF_ALL, of_all, "DAGMMDetector", self._saved(of_all=True))
        if start is not None:
            start.save(directory / START)
        self._manifest = replace(
            self._manifest, arguments=plain, assets=dict(self.fleet_.assets), is_whole=True
        )
        write_manifest(directory, self._manifest)
        if lies_there is not None:
            self.fleet_ = replace(self.fleet_, models=lies_there.written())

    def restore(self, path: str | os.PathLike[str]) -> Self:
        """Become the fleet that was saved to a directory; models are read when they are needed.

        Raises
        ------
        ModelFileError
            If the fleet is missing, damaged, foreign, newer, or its fit has not ended.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fleet.save(folder)
        ...     same = DAGMMFleet("pump").restore(folder)
        >>> same.assets_
        ['p1', 'p2']
        """
        saved = SavedFleet(path)
        known = {name: value for name, value in saved.manifest.arguments.items() if name != "per"}
        unknown = sorted(known.keys() - set(self.get_params(deep=False)))
        if unknown or not all(is_plain_argument(*one) for one in known.items()):
            what = unknown[0] if unknown else "of a kind that cannot be"
            raise ModelFileError(
                f"restore: {os.fspath(path)!r} is damaged: argument {what!r} is none of a fleet's."
            )
        self.set_params(per=saved.manifest.per, **known)
        self.fleet_, self._manifest, self._directory = saved.fleet, saved.manifest, Path(path)
        names = saved.of_all.arguments["feature_names_in_"]
        self._feature_names = tuple(name for name in names if name != self.per)
        self._start = None
        return self

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the fleet that was saved to a directory; see :meth:`restore`.

        Examples
        --------
        With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fleet.save(folder)
        ...     same = DAGMMFleet.load(folder).energy(table)
        >>> bool((same == fleet.energy(table)).all())
        True
        """
        return cls(per="").restore(path)

    def _check(self) -> None:
        """Check arguments before the table is read."""
        check_contamination(self.contamination)
        check_int("random_state", self.random_state, 0)
        check_int("n_members", self.n_members, 1)
        check_int("least_rows", self.least_rows, 2)
        check_choice("unseen", self.unseen, UNSEEN)
        check_choice("together", self.together, (True, False))
        if self.n_jobs is not None:
            check_int("n_jobs", self.n_jobs, 1)
        if not isinstance(self.per, str) or not self.per:
            raise ArgumentError(
                f"{named('per')} must be the name of the column that names the asset of a row, "
                f"got {self.per!r}."
            )
        DAGMMDetector(**self._arguments)._data()

    # What is fitted ------------------------------------------------------------------------

    def _begin(self, rows: FrameRows, directory: Path | None) -> None:
        """Fit the model of all, or find it where a fit was stopped."""
        from dagmm.estimators.fleet_fit import draw_of_all, of_all_arguments

        plain = self._plain_arguments()
        manifest = FleetManifest(self.per, plain)
        if directory is not None:
            check_target(directory)
            if is_saved_fleet(directory):
                manifest = replace(read_manifest(directory), is_whole=False)
                _check_same(manifest, self.per, plain, directory)
            write_manifest(directory, manifest)
        self._feature_names = tuple(name for name in rows.names if name != self.per)
        drawn = draw_of_all(rows, self.random_state, whole=self.window is not None)
        digest = digest_of_rows(drawn.frame.to_native(), plain)
        if directory is not None and manifest.of_all == digest:
            of_all = load_model(directory / OF_ALL).model
        else:
            detector = DAGMMDetector(**of_all_arguments(self._arguments, self.per))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TableWarning)  # said of each asset
                detector.fit(drawn)
            detector._remember(**self._record())
            of_all = detector.model_
            if directory is not None:
                save_model(directory / OF_ALL, of_all, "DAGMMDetector", self._saved(of_all=True))
        self._manifest = replace(manifest, of_all=digest)
        self._directory, self._start = directory, None
        self.fleet_ = FittedFleet(self.per, {}, {}, of_all)

    def _fit_assets(self, rows: FrameRows, directory: Path | None, *, is_new: bool) -> None:
        """Fit the assets of a table beside those that are there."""
        split = split_table(rows, self.per)
        few = {
            name: f"{one.n_rows} rows are fewer than {self.least_rows}"
            for name, one in split.items()
            if one.n_rows < self.least_rows
        }
        enough = [one for name, one in split.items() if name not in few]
        with progress_for(self.verbose) as progress:
            if is_new:
                self._make_start(enough, directory, progress)
            decided_by = (self._plain_arguments(), self._manifest.start)
            digests = {name: digest_of_rows(one.table, *decided_by) for name, one in split.items()}
            known = self._manifest.assets if directory is not None else {}
            done = {
                name: known[name]
                for name in split
                if name in known and name not in few and known[name].digest == digests[name]
            }
            todo = [one for one in enough if one.asset not in done]
            if done and todo:
                progress.say(f"{len(done)} of {len(enough)} assets are fitted already")
            progress.phase("fitting", len(enough))
            made: dict[str, FittedModel] = {}
            said: dict[tuple[type[Warning], str], list[str]] = {}
            paths = None
            if directory is not None:
                paths = {one.asset: str(model_path(directory, one.asset)) for one in todo}
            last = clock.monotonic()
            start = self._start_for_adding() if todo else None
            what = (self.per, self._arguments, start, self._record(), paths, self.n_jobs)
            try:
                for fit in fit_assets(todo, *what):
                    done[fit.asset] = Asset(
                        split[fit.asset].n_rows, fit.why_not, digests[fit.asset]
                    )
                    if fit.model is not None:
                        made[fit.asset] = fit.model
                    for one in fit.warnings:
                        said.setdefault(one, []).append(fit.asset)
                    progress.advance(len(done), f"{self.per} {fit.asset}")
                    if directory is not None and clock.monotonic() - last > _PAUSE:
                        self._keep(directory, done)
                        last = clock.monotonic()
            finally:
                if directory is not None:
                    self._keep(directory, done)
        for name, why_not in few.items():
            done[name] = Asset(split[name].n_rows, why_not, digests[name])
        new = {name: done[name] for name in split}
        self._join(new, made, directory)
        self._warn(new, said)

    def _join(
        self, new: dict[str, Asset], made: dict[str, FittedModel], directory: Path | None
    ) -> None:
        """Make the fleet of the assets that were there and those that have come."""
        assets = {**self.fleet_.assets, **new}
        models: Mapping[str, FittedModel] = {**made}
        if directory is not None:
            models = SavedModels(directory, [n for n, one in assets.items() if not one.why_not])
        elif isinstance(self.fleet_.models, SavedModels):
            models = self.fleet_.models.with_changed(made)
        else:
            models = {**self.fleet_.models, **made}
        self.fleet_ = replace(self.fleet_, assets=assets, models=models)
        if directory is not None:
            self._manifest = replace(self._manifest, assets=assets, is_whole=True)
            write_manifest(directory, self._manifest)

    def _make_start(
        self, assets: list[AssetRows], directory: Path | None, progress: Progress
    ) -> None:
        """Train networks for assets to begin at, or find them where a fit was stopped."""
        from dagmm.training.start import FleetStart

        self._start = None
        if not self.together:
            self._manifest = replace(self._manifest, start="", start_digest="")
            return
        digest = digest_of_rows([one.table for one in starting(assets)], self._plain_arguments())
        file = None if directory is None else directory / START
        if file is not None and self._manifest.start_digest == digest:
            self._start = FleetStart.read(file, self._manifest.start)
            return
        self._start = fit_start(assets, self._arguments, progress)
        self._manifest = replace(self._manifest, start=self._start.digest, start_digest=digest)
        if file is not None:
            self._start.save(file)

    def _start_for_adding(self) -> "FleetStart | None":
        """Return where networks of assets begin; None where each begins alone."""
        if self._start is None and self._directory is not None and self._manifest.start:
            from dagmm.training.start import FleetStart

            self._start = FleetStart.read(self._directory / START, self._manifest.start)
        return self._start

    def _keep(self, directory: Path, done: dict[str, Asset]) -> None:
        """Write down what is finished."""
        self._manifest = replace(self._manifest, assets={**self._manifest.assets, **done})
        write_manifest(directory, self._manifest)

    def _warn(
        self, new: dict[str, Asset], said: dict[tuple[type[Warning], str], list[str]]
    ) -> None:
        """Say of assets what there is to know, each once."""
        without = {name: one.why_not for name, one in new.items() if one.why_not}
        reasons: dict[str, list[str]] = {}
        for name, why_not in without.items():
            reasons.setdefault(why_not, []).append(name)
        for why_not, names in reasons.items():
            warnings.warn(
                f"{in_words(self.per, names)} scored by the model of all assets, without one of "
                f"{'their' if len(names) > 1 else 'its'} own: {why_not}",
                TableWarning,
                stacklevel=4,
            )
        alike: dict[tuple[type[Warning], str], tuple[str, list[str]]] = {}
        for (kind, text), names in said.items():
            # What differs in numbers alone is said once, with those of one asset.
            alike.setdefault((kind, _NUMBER.sub("", text)), (text, []))[1].extend(names)
        for (kind, _), (text, names) in alike.items():
            warnings.warn(f"{self.per} {listed(names)}: {text}", kind, stacklevel=4)

    def _record(self) -> dict[str, Any]:
        """Return what the record of each model says beside its training."""
        return self._said or {}

    #: What the command has models remember of how tables are read.
    _said: dict[str, Any] | None = None

    def _plain_arguments(self) -> dict[str, Any]:
        """Arguments that a saved fleet keeps."""
        return {
            name: plain_argument(name, value)
            for name, value in self.get_params(deep=False).items()
            if name not in ("per", "n_jobs", "verbose")
        }

    def _saved(self, *, of_all: bool = False) -> dict[str, Any]:
        """Arguments that the saved model of an asset keeps, or that of all."""
        names = [*self._feature_names, self.per] if of_all else list(self._feature_names)
        said = DAGMMDetector(**self._arguments).get_params(deep=False)
        if of_all:
            said["group"] = self.per
        plain = {name: plain_argument(name, value) for name, value in said.items()}
        return {**plain, "feature_names_in_": names}


def _check_same(
    manifest: FleetManifest, per: str, arguments: dict[str, Any], directory: Path
) -> None:
    """Check that a directory is of a fit with the same arguments."""
    there = {"per": manifest.per, **manifest.arguments}
    here = {"per": per, **arguments}
    for name, value in here.items():
        if there.get(name) != value:
            raise ArgumentError(
                f"{str(directory)!r} is of a fleet that was fitted with "
                f"{given(name, there.get(name))}, this one is fitted with {given(name, value)}; "
                "choose another directory."
            )
