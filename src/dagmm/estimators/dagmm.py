"""The reference model: one network and the paper's objective."""

import math
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_choice, check_int, check_number, check_sizes
from dagmm._core.lazy_imports import check_jax
from dagmm._core.progress import progress_for
from dagmm.estimators.base import FittedModelEstimator
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.activations import Activation, resolve_activation
from dagmm.networks.network import Architecture
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.training.config import DetectorConfig
from dagmm.training.presets.images import image_hiddens
from dagmm.training.presets.paper import (
    DAGMM_EPOCHS,
    DAGMM_STEPS,
    DEFAULT_EST_HIDDENS,
    default_hiddens,
)
from dagmm.training.schedule import TrainingConfig

_SCALINGS: dict[object, Scaling] = {
    True: "standard",
    False: "none",
    "standard": "standard",
    "minmax": "minmax",
}


class DAGMM(FittedModelEstimator):
    """Deep Autoencoding Gaussian Mixture Model, as in the paper (Zong et al., ICLR 2018).

    Arguments and methods are those of the reference implementation. For a detector that
    decides, with defaults chosen for detection, see :class:`DAGMMDetector`.

    Parameters
    ----------
    comp_hiddens : list of int, optional
        Widths of the encoder's layers; the last is the width of the code. The decoder is its
        mirror image. By default 64, 32 and a code as wide as the table, at most 8. For images,
        numbers of filters of the convolutions, each of which halves the image, and then the width
        of the code; by default 8 filters and twice as many each time until the map is 8 x 8 or
        smaller, and a code of 64, or a sixth of the number of images where that is less.
    comp_activation : str or callable, default="tanh"
        Activation of the compression network's hidden layers: a name, or a function of that
        name from jax.numpy, jax.nn, NumPy, TensorFlow or PyTorch.
    est_hiddens : list of int, optional
        Widths of the estimation network's layers; the last is the number of mixture
        components. By default 16 and 4.
    est_activation : str or callable, default="tanh"
        Activation of the estimation network's hidden layers.
    est_dropout_ratio : float or None, default=0.5
        Share of the estimation network's hidden units that is dropped in training. In the
        reference implementation dropout never acts; here, as in the paper, it does.
    minibatch_size : int, default=1024
        Rows of a minibatch; all rows where there are fewer.
    epoch_size : int, optional
        Number of epochs. By default 100, and of a small table as many more as make 3,000 steps,
        kept as 100 entries of the history: 100 steps of this learning rate train nothing. Images
        have 100. Rows are reshuffled for every epoch; the reference implementation shuffles once.
        A minibatch may take its last rows from the next epoch's shuffle, so all have the same
        size.
    learning_rate : float, default=1e-4
        Of Adam.
    lambda1 : float, default=0.1
        Weight of the energy in the objective.
    lambda2 : float, default=1e-4
        Weight of the covariance penalty, as in the reference implementation. The paper has
        0.005, at which the penalty of the two residual features, whose variance is small, can
        outweigh the energy.
    normalize : bool or {"standard", "minmax"}, default=True
        Scale numeric columns to mean 0 and deviation 1 (True, "standard"), to the range 0..1
        ("minmax"), or not at all (False).
    random_seed : int, RandomState instance or None, default=123
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
        The column that is the time axis: dates or numbers; or the two columns of date and time of
        day. It is left out.
    group : str, optional
        The column that names the asset a row belongs to. It is left out.
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
    history_ : dict of str to list
        One entry for each epoch; see :class:`dagmm.training.history.History`.
    verdict_ : list of str
        Whether the training can be trusted, in words.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where the training table had column names.

    Notes
    -----
    Departures from the paper: covariances have a floor of 1e-5 of the variance of z (the paper
    has none, the reference implementation adds 1e-6 to the diagonal); the length of a row is
    at least 1e-3 where it is divided by; a step whose loss or gradient is not finite is left out
    and counted. After training the mixture is computed once from all training rows, with dropout
    off; components with less than one row are left out. Where the encoded rows would take more
    than 256 MB, epochs go over rows drawn from them at random; the mixture is still that of all.

    Examples
    --------
    >>> import numpy as np
    >>> from dagmm import DAGMM
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = DAGMM(comp_hiddens=[8, 2], est_hiddens=[8, 2], epoch_size=50).fit(x)
    >>> energy = model.predict(np.array([[0.0, 0.0, 0.0], [9.0, -9.0, 9.0]]))
    >>> bool(energy[1] > energy[0])
    True
    """

    def __init__(
        self,
        comp_hiddens: Any = None,
        comp_activation: Activation = "tanh",
        est_hiddens: Any = None,
        est_activation: Activation = "tanh",
        est_dropout_ratio: float | None = 0.5,
        minibatch_size: int = 1024,
        epoch_size: int | None = None,
        learning_rate: float = 1e-4,
        lambda1: float = 0.1,
        lambda2: float = 1e-4,
        normalize: bool | str = True,
        random_seed: Any = 123,
        verbose: int = 0,
        drop: Any = None,
        categorical: Any = None,
        numeric: Any = None,
        time: Any = None,
        group: str | None = None,
        warm_start: bool = False,
        time_format: str | None = None,
    ) -> None:
        self.comp_hiddens = comp_hiddens
        self.comp_activation = comp_activation
        self.est_hiddens = est_hiddens
        self.est_activation = est_activation
        self.est_dropout_ratio = est_dropout_ratio
        self.minibatch_size = minibatch_size
        self.epoch_size = epoch_size
        self.learning_rate = learning_rate
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.normalize = normalize
        self.random_seed = random_seed
        self.verbose = verbose
        self.drop = drop
        self.categorical = categorical
        self.numeric = numeric
        self.time = time
        self.group = group
        self.warm_start = warm_start
        self.time_format = time_format

    def fit(self, X: Any, y: object = None, *, checkpoint: Any = None) -> Self:
        """Train the network and fix the mixture.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset
            Training rows: numbers, NaN for a hole; in a DataFrame also booleans, text, dates. Or
            the path of a Parquet file, of a folder of Parquet files or of a CSV file, or a
            ``pyarrow.dataset.Dataset``, of any length: it is never held whole. Or images of one
            size, of shape (n, height, width) or (n, height, width, channels): uint8, uint16 or
            floats.
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

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMM
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> model = DAGMM(comp_hiddens=[8, 2], est_hiddens=[8, 2], epoch_size=50).fit(x)
        >>> len(model.history_["loss"])
        50
        """
        check_jax("fit")
        from dagmm.training.fit import fit_model  # what only a fit needs takes long to import
        from dagmm.training.prepare import DataConfig

        seed = int(check_random_state(self.random_seed).randint(2**31))
        scaling = _SCALINGS[check_choice("normalize", self.normalize, tuple(_SCALINGS))]
        self._config(2, (1,))  # says what is wrong with an argument before the table is read
        data = DataConfig(scaling, self._roles())
        start = self._start()
        place = self._checkpoint(checkpoint, "random_seed")
        rows = self._rows(X, fitting=True)
        with progress_for(self.verbose) as progress:
            model, _ = fit_model(rows, data, self._config, 1, seed, progress, place, start)
        self._take(model)
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row, in nats.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset

        Returns
        -------
        energy : ndarray of shape (n_rows,)
            Higher is stranger; may be negative.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMM
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> model = DAGMM(comp_hiddens=[8, 2], est_hiddens=[8, 2], epoch_size=50).fit(x)
        >>> model.predict(x).shape
        (200,)
        """
        check_is_fitted(self)
        return self.model_.energy(self._rows(X, fitting=False))

    def _take(self, model: Any) -> None:
        super()._take(model)
        self.history_ = dict(model.record.histories[0])
        self.verdict_ = model.record.verdict

    def _config(self, n_rows: int, shape: tuple[int, ...]) -> DetectorConfig:
        """Say how rows, or images, of a shape are fitted."""
        dropout = 0.0 if self.est_dropout_ratio is None else self.est_dropout_ratio
        of_images = len(shape) > 1
        default = image_hiddens(n_rows, shape) if of_images else default_hiddens(*shape)
        architecture = Architecture(
            n_features=math.prod(shape),
            comp_hiddens=default
            if self.comp_hiddens is None
            else check_sizes("comp_hiddens", self.comp_hiddens),
            comp_activation=resolve_activation("comp_activation", self.comp_activation),
            est_hiddens=DEFAULT_EST_HIDDENS
            if self.est_hiddens is None
            else check_sizes("est_hiddens", self.est_hiddens),
            est_activation=resolve_activation("est_activation", self.est_activation),
            est_dropout_ratio=check_number("est_dropout_ratio", dropout, 0.0, 1.0),
            shape=shape if of_images else (),
        )
        batch_size = min(check_int("minibatch_size", self.minibatch_size, 1), n_rows)
        epochs, steps = DAGMM_EPOCHS, -(-n_rows // batch_size)
        if self.epoch_size is not None:
            epochs = check_int("epoch_size", self.epoch_size, 1)
        elif not of_images:
            steps = max(steps, DAGMM_STEPS // DAGMM_EPOCHS)
        training = TrainingConfig(
            batch_size=batch_size,
            epochs=epochs,
            steps_per_epoch=steps,
            learning_rate=check_number("learning_rate", self.learning_rate, 0.0, above=True),
            lambda1=check_number("lambda1", self.lambda1, 0.0),
            lambda2=check_number("lambda2", self.lambda2, 0.0),
        )
        return DetectorConfig((architecture,), training, ((DensityConfig(LatentMixture),),))
