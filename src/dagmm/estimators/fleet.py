"""The detector of a fleet: one model for each asset, fitted, scored and kept as one thing."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import ArgumentError, InputError, ModelFileError
from dagmm._core.lazy_imports import check_jax
from dagmm._core.wording import named
from dagmm.estimators.arguments import is_plain_argument
from dagmm.estimators.detector import DAGMMDetector
from dagmm.estimators.fleet_course import FittingFleetEstimator
from dagmm.estimators.fleet_fit import split_table
from dagmm.estimators.fleet_rows import HeldFleetRows
from dagmm.inference.calibration.threshold_rules import check_contamination
from dagmm.inference.fleet.batches import UNSEEN
from dagmm.inference.fleet.directory import (
    OF_ALL,
    START,
    FleetManifest,
    SavedFleet,
    SavedModels,
    check_target,
    model_path,
    write_manifest,
)
from dagmm.inference.fleet.fitted_fleet import listed, parts_of
from dagmm.inference.persistence.directory import save_model
from dagmm.training.presets.networks import FLEET_MEMBERS


class DAGMMFleet(FittingFleetEstimator):
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
        return self._fit_rows(HeldFleetRows(self._held(X), self.per), checkpoint)

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
        self._fit_more(split_table(rows, self.per))
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
