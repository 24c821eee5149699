"""The practical detector: several networks, a refined mixture, a threshold."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import OutlierMixin
from sklearn.utils import check_random_state

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import ArgumentError, FewRowsWarning
from dagmm._core.lazy_imports import check_jax
from dagmm._core.progress import progress_for
from dagmm._core.wording import given, named
from dagmm.data.base import Rows
from dagmm.data.images import ImageRows
from dagmm.estimators.in_use import DetectorInUse
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.calibration.threshold_rules import (
    check_contamination,
    choose_threshold,
    threshold_of,
)
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.windows.features import Detail
from dagmm.preprocessing.windows.length import WindowLength
from dagmm.training.config import ConfigOptions, DetectorConfig
from dagmm.training.presets.images import image_config
from dagmm.training.presets.tables import SCALING, table_config
from dagmm.training.presets.windows import window_config

if TYPE_CHECKING:
    from dagmm.training.prepare import DataConfig
    from dagmm.training.start import Start

#: What each kind of network sees of a window.
_DETAIL_OF: dict[str, Detail] = {"dense": "summary", "convolutional": "sequence"}


class DAGMMDetector(OutlierMixin, DetectorInUse):
    """Anomaly detector with the contract of scikit-learn's outlier detectors.

    Several DAGMM networks are trained side by side for as long as it helps, half of them on the
    rows as they are and half on their normal scores. Mixtures of what networks make of a row, of
    the rows themselves and of single columns say how unusual it is beside the training rows; the
    energy is the mean of these surprisals.

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Share of the training rows to be called anomalies, in (0, 0.5]; it sets the threshold
        and nothing else. ``"auto"`` is 0.01, not of the training rows as the model sees them,
        whose energies are lower than those of new rows, but of rows that were held out of the fit
        or, where there are under 10,000 rows or images, are scored by networks that were not
        fitted to them (of less than 20 the training rows after all); of windows, which one odd
        row is in as many of as a window has rows, 0.01 times these rows, at most 0.05.
    n_members : int, default=4
        Number of networks.
    random_state : int, RandomState instance or None, default=0
        The one source of initialisation, shuffling and dropout. With an int, fits on the same
        machine are identical to the bit.
    verbose : int, default=0
        Whether to show progress on standard error, where it is a terminal.
    drop : str or list of str, optional
        Columns to leave out.
    categorical : str or list of str, optional
        Columns that hold categories, also where these are written as numbers.
    numeric : str or list of str, optional
        Columns of numbers that are used even where they look like identifiers.
    time : str or pair of str, optional
        The column that is the time axis: dates or numbers (of seconds); or the two columns of date
        and time of day. It is left out. The rows that a threshold is found from are then left out
        of the fit in blocks of time, asset by asset, not at random, so that it says more about
        later rows.
    group : str, optional
        The column that names the asset a row belongs to. It is left out.
    window : int or str, optional
        Score each row together with the rows of its asset before it: so many rows, itself
        included, or a duration such as ``"60s"`` or ``"10 min"``, which becomes rows by the
        median interval of the training rows. ``"auto"`` leaves it to the training rows: as many
        as most columns remember themselves, from 10 to 60, and few enough that there are 25
        windows without a row in common. Needs ``time``. By default each row is scored by itself.
    step : int, default=1
        With ``window``: every so many rows a window is trained on. Every row is scored.
    network : {"dense", "convolutional"}, default="dense"
        With ``window``: dense networks that see the level, the spread and the movement of each
        column within the window and its last rows, or convolutional ones that see every row of it.
        The first are faster and found more on every table that was measured.
    config : dict, optional
        What is to be otherwise than the defaults, which follow from the shape of the table
        (:mod:`dagmm.training.presets`): of the networks ``comp_hiddens`` (the last is the width of
        the code), ``comp_activation``, ``est_hiddens`` (the last is the number of components),
        ``est_activation``, ``est_dropout_ratio``, ``residuals``, ``mask_ratio``; of the training
        ``batch_size``, ``epochs``, ``steps_per_epoch``, ``learning_rate``, ``lambda1``,
        ``lambda2``, ``cosine_decay``, ``warm_up``, ``reconstruction_weight``, ``cycles`` (the
        first has ``epochs``, each other twice as many as the one before, and they end where they
        no longer help), ``max_seconds`` (no cycle but the first begins that would end later than
        this after training began; the model then depends on how fast the machine is and on what
        else it does, and ``history_`` says where the bound ended a training); ``trim``, the share
        of a table's rows, in [0, 0.5), that mixtures are not fitted to, as they are the strangest
        (0; 0.2 finds more where a tenth of the rows are anomalies); and ``densities``, those of
        the ensemble that are kept: a list of ``"row_mixture"`` (of tables) or
        ``"latent_mixture"`` (of windows and images), of each network, ``"input_mixture"`` and
        ``"marginal_mixtures"``, or a dict of these with options.
    warm_start : bool, default=False
        Whether another ``fit`` goes on with the networks of the one before instead of drawing
        new ones; the table must then be encoded to as many features. Everything else is fitted
        anew.
    time_format : str, optional
        How dates are written where they are text, as ``datetime.strptime`` takes it, such as
        ``"%d/%m/%Y %H:%M"``: those of the time axis, and those of other columns that are written
        so. By default what the cells tell.

    Attributes
    ----------
    model_ : FittedModel
    offset_ : float
        ``decision_function = score_samples - offset_``; minus the threshold of the energy.
    threshold_ : dict
        The threshold and what it means: ``energy`` (nats), ``rule``, ``share`` of normal rows
        expected above it, ``low`` and ``high`` (95 % confidence interval of the energy),
        ``method``, ``n_rows`` and ``rows_are`` (what it was found from), ``warnings`` (of each its
        ``kind`` and ``text``), ``alarm_rule`` (the alarm logic).
    history_ : list of dict
        One for each member; see :class:`dagmm.training.history.History`.
    verdict_ : list of str
        Whether the training can be trusted, in words.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where the training table had column names.

    Examples
    --------
    >>> import numpy as np
    >>> import dagmm
    >>> from dagmm import DAGMMDetector
    >>> rng = np.random.default_rng(0)
    >>> load = rng.uniform(size=(400, 1))
    >>> x = np.hstack([load, load**2, 1 - load]) + 0.02 * rng.normal(size=(400, 3))
    >>> model = DAGMMDetector().fit(x)
    >>> rows = np.array([[0.5, 0.25, 0.5], [0.5, 0.75, 0.5]])
    >>> model.predict(rows).tolist()
    [1, -1]
    """

    def __init__(
        self,
        contamination: Any = "auto",
        n_members: int = 4,
        random_state: Any = 0,
        verbose: int = 0,
        drop: Any = None,
        categorical: Any = None,
        numeric: Any = None,
        time: Any = None,
        group: str | None = None,
        window: Any = None,
        step: int = 1,
        network: str = "dense",
        config: Any = None,
        warm_start: bool = False,
        time_format: str | None = None,
    ) -> None:
        self.contamination = contamination
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose
        self.drop = drop
        self.categorical = categorical
        self.numeric = numeric
        self.time = time
        self.group = group
        self.window = window
        self.step = step
        self.network = network
        self.config = config
        self.warm_start = warm_start
        self.time_format = time_format

    def fit(self, X: Any, y: object = None, *, checkpoint: Any = None) -> Self:
        """Train the networks, fix their mixtures and the threshold.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset
            Training rows, mostly normal: numbers, NaN for a hole; in a DataFrame also booleans,
            text, dates. Or the path of a Parquet file, of a folder of Parquet files or of a CSV
            file, or a ``pyarrow.dataset.Dataset``, of any length: it is never held whole, unless
            there are windows. Or images of one size, of shape (n, height, width) or (n, height,
            width, channels): uint8, uint16 or floats; they are fitted by a convolutional network,
            and the other methods take images of that size.
        y : ignored
        checkpoint : path-like, optional
            A directory in which the training is kept while it runs: new, empty, or of a fit like
            this one that was stopped, however it was. That one is gone on with, and the model
            that comes out is the one it would have been, to the bit. A finished training stays
            there; delete the directory when it is no longer of use.

        Returns
        -------
        self

        Raises
        ------
        ArgumentError
            If an argument cannot be used, or the checkpoint is of another fit.
        InputError
            If the table cannot be used; column and row are named.
        ModelFileError
            If a file of the checkpoint is damaged.
        ModelSaveError
            If the checkpoint cannot be written.

        Warns
        -----
        TableWarning
            If a column is not used or is not quite what it seems, or no rows could be left out of
            the fit, so that the threshold is that of rows the model was fitted to, or the rows
            depend on each other so much that the threshold may let through twice as many as
            stated, or that windows say more than rows by themselves.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMMDetector
        >>> x = np.random.default_rng(0).normal(size=(300, 2))
        >>> DAGMMDetector(n_members=1, config={"cycles": 1}).fit(x).n_features_in_
        2
        """
        check_jax("fit")
        return self._fit(X, self._start(), checkpoint)

    def _fit(self, X: Any, start: "Start | None", checkpoint: Any = None) -> Self:
        """Fit to a table, with networks that start somewhere if that is said."""
        from dagmm.training.fit import fit_model  # what only a fit needs takes long to import

        check_contamination(self.contamination)
        n_members = check_int("n_members", self.n_members, 1)
        seed = self._seed()
        data, options = self._data(), ConfigOptions.of(self.config)
        place = self._checkpoint(checkpoint, "random_state")
        rows = self._rows(X, fitting=True)
        preset = self._preset(rows, data, options)
        with progress_for(self.verbose) as progress:
            model, energy = fit_model(rows, data, preset, n_members, seed, progress, place, start)
        chosen = choose_threshold(
            model.calibration, contamination=self.contamination, n_steps=model.n_steps
        )
        if self.contamination != "auto":
            # Of a long table not all energies are kept; the share is to be exact all the same.
            chosen = replace(chosen, energy=threshold_of(energy, self.contamination))
        for text in _said_at_fit(chosen, model.record.advised_window):
            warnings.warn(text, FewRowsWarning, stacklevel=3)
        self._take(model.with_threshold(chosen))
        return self

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31))

    def _preset(
        self, rows: Rows, data: "DataConfig", options: ConfigOptions
    ) -> Callable[[int, tuple[int, ...]], DetectorConfig]:
        """Return what decides how such rows are fitted."""
        default: Callable[..., DetectorConfig] = table_config
        if data.window is not None:
            default = partial(window_config, detail=data.detail)
        elif isinstance(rows, ImageRows):
            default = image_config
        elif data.roles is not None and data.roles.time is not None:
            default = partial(table_config, in_time=True)

        def preset(n_rows: int, shape: tuple[int, ...]) -> DetectorConfig:
            return options.apply(default(n_rows, shape, self.n_members), n_rows)

        return preset

    def _remember(self, **record: Any) -> None:
        """Have the model say beside its training how its table was read."""
        self.model_ = replace(self.model_, record=replace(self.model_.record, **record))

    def _data(self) -> "DataConfig":
        """Check how rows are to be read."""
        from dagmm.training.prepare import DataConfig

        length, detail = self._windows()
        return DataConfig(SCALING, self._roles(), length, detail, holds_out=True)

    def _windows(self) -> "tuple[WindowLength | None, Detail]":
        """Check what the user says about windows."""
        choice = check_choice("network", self.network, tuple(_DETAIL_OF))
        if self.window is not None:
            roles = self._roles()
            length = WindowLength.of(self.window, self.step, roles.time, roles.group)
            return length, _DETAIL_OF[str(choice)]
        for name, value, default in (("step", self.step, 1), ("network", choice, "dense")):
            if value != default:
                raise ArgumentError(
                    f"{given(name, value)} belongs to {named('window')}, and there is none."
                )
        return None, "summary"

    def _take(self, model: FittedModel) -> None:
        super()._take(model)
        self.history_ = [dict(history) for history in model.record.histories]
        self.verdict_ = model.record.verdict


def _said_at_fit(chosen: Threshold, advised: int | None) -> list[str]:
    """Say what there is to know of a threshold, and of rows that should be windows.

    That rows depend on each other is said once.
    """
    windows = "" if advised is None else f"{given('window', 'auto')} would take {advised} rows"
    said = []
    for warning in chosen.warnings:
        text = f"the threshold: {warning.text}."
        if windows and warning.kind == "dependent_rows":
            text, windows = f"{text} Windows see how rows follow each other: {windows}.", ""
        said.append(text)
    if windows:
        said.append(
            "rows depend on those before them, and a row by itself shows no drift, no frozen "
            f"sensor and no small shift that lasts; windows do: {windows}."
        )
    return said
