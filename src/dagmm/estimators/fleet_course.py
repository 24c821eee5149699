"""The course of a fleet's fit: the model of all, where networks begin, asset by asset, kept."""

import time as clock
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dagmm._core.errors import ArgumentError, TableWarning
from dagmm._core.progress import Progress, progress_for
from dagmm._core.wording import given
from dagmm.estimators.arguments import plain_argument
from dagmm.estimators.detector import DAGMMDetector
from dagmm.estimators.fleet_base import FittedFleetEstimator
from dagmm.estimators.fleet_fit import (
    AssetRows,
    RunApart,
    digest_of_rows,
    fit_assets,
    fit_start,
    of_all_arguments,
    starting,
)
from dagmm.estimators.fleet_rows import FleetRows
from dagmm.estimators.fleet_warnings import Said, warn_of_assets
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.directory import (
    OF_ALL,
    START,
    FleetManifest,
    SavedModels,
    check_target,
    is_saved_fleet,
    model_path,
    read_manifest,
    write_manifest,
)
from dagmm.inference.fleet.fitted_fleet import Asset, FittedFleet
from dagmm.inference.persistence.directory import load_model, save_model

if TYPE_CHECKING:
    from dagmm.training.start import FleetStart

#: Seconds between two writes of what is finished.
_PAUSE = 5.0


class FittingFleetEstimator(FittedFleetEstimator):
    """Base of the estimator of fleets: how it is fitted, in memory or in a directory."""

    random_state: int
    window: Any
    least_rows: int
    together: bool
    n_jobs: int | None
    verbose: int
    _manifest: FleetManifest
    _directory: Path | None
    _start: "FleetStart | None"

    def _fit_rows(self, rows: FleetRows, checkpoint: Any) -> Self:
        """Fit the model of all, and each asset."""
        directory = None if checkpoint is None else Path(checkpoint)
        self._begin(rows, directory)
        said: Said = {}
        with progress_for(self.verbose) as progress:
            self._make_start(rows.starting(self.least_rows), directory, progress)
            for split in rows.rounds():
                self._fit_assets(split, directory, rows.run, said, progress)
        if directory is not None:
            self._manifest = replace(self._manifest, assets=self.fleet_.assets, is_whole=True)
            write_manifest(directory, self._manifest)
        warn_of_assets(self.per, self.fleet_.assets, said)
        return self

    def _fit_more(self, split: dict[str, AssetRows]) -> None:
        """Fit assets beside those that are there."""
        said: Said = {}
        with progress_for(self.verbose) as progress:
            self._fit_assets(split, None, None, said, progress)
        warn_of_assets(self.per, {name: self.fleet_.assets[name] for name in split}, said)

    def _begin(self, rows: FleetRows, directory: Path | None) -> None:
        """Fit the model of all, or find it where a fit was stopped."""
        plain = self._plain_arguments()
        manifest = FleetManifest(self.per, plain)
        if directory is not None:
            check_target(directory)
            if is_saved_fleet(directory):
                manifest = replace(read_manifest(directory), is_whole=False)
                _check_same(manifest, self.per, plain, directory)
            write_manifest(directory, manifest)
        self._feature_names = tuple(name for name in rows.names if name != self.per)
        drawn = rows.drawn(self.random_state, whole=self.window is not None)
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

    def _fit_assets(
        self,
        split: dict[str, AssetRows],
        directory: Path | None,
        run: RunApart | None,
        said: Said,
        progress: Progress,
    ) -> None:
        """Fit assets beside those that are there, and note what their fits warn of."""
        few = {
            name: f"{one.n_rows} rows are fewer than {self.least_rows}"
            for name, one in split.items()
            if one.n_rows < self.least_rows
        }
        enough = [one for name, one in split.items() if name not in few]
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
        paths = None
        if directory is not None and run is None:  # elsewhere the directory need not be there
            paths = {one.asset: str(model_path(directory, one.asset)) for one in todo}
        last = clock.monotonic()
        start = self._start_for_adding() if todo else None
        what = (self.per, self._arguments, start, self._record(), paths, self.n_jobs, run)
        try:
            for fit in fit_assets(todo, *what):
                if fit.model is not None and directory is not None:
                    place = model_path(directory, fit.asset)
                    save_model(place, fit.model, "DAGMMDetector", self._saved())
                elif fit.model is not None:
                    made[fit.asset] = fit.model
                done[fit.asset] = Asset(split[fit.asset].n_rows, fit.why_not, digests[fit.asset])
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
        self._join({name: done[name] for name in split}, made, directory)

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
