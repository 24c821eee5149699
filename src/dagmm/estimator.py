"""What both estimators share: taking tables, saving, loading."""

import os
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from dagmm.errors import ArgumentError, InputError, ModelFileError
from dagmm.fitted import FittedModel
from dagmm.networks import activation_name
from dagmm.networks.activation import resolve_activation
from dagmm.rows import FrameRows, MatrixRows, Rows, as_numbers, frame_of
from dagmm.saving import load_model, save_model


class FittedModelEstimator(BaseEstimator):
    """Base of the estimators: each holds one fitted model, ``model_``, and speaks for it."""

    model_: FittedModel
    n_features_in_: int

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model and the constructor arguments to a directory.

        A model saved there before is replaced, in one step.

        Parameters
        ----------
        path : path-like
            A directory: new, empty, or with a saved model.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        ArgumentError
            If an argument cannot be saved: an activation without a known name, a random
            number generator.
        ModelSaveError
            If the directory holds something else, or cannot be written.
        """
        check_is_fitted(self)
        arguments = {
            name: _plain(name, value) for name, value in self.get_params(deep=False).items()
        }
        names = getattr(self, "feature_names_in_", None)
        arguments["feature_names_in_"] = None if names is None else [str(name) for name in names]
        save_model(path, self.model_, type(self).__name__, arguments)

    def restore(self, path: str | os.PathLike[str]) -> Self:
        """Become the model that was saved to a directory, arguments included.

        In the reference implementation the arguments are not saved, and ``restore`` trusts
        those of the receiver; here they are part of the model.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        self

        Raises
        ------
        ModelFileError
            If the model is missing, damaged, foreign, newer, or of the other estimator.
        """
        saved = load_model(path)
        if saved.estimator != type(self).__name__:
            raise ModelFileError(
                f"restore: {os.fspath(path)!r} holds a {saved.estimator}, "
                f"this is a {type(self).__name__}; use {saved.estimator}.load."
            )
        arguments = dict(saved.arguments)
        names = arguments.pop("feature_names_in_", None)
        unknown = sorted(arguments.keys() - self.get_params(deep=False).keys())
        if unknown:
            raise ModelFileError(
                f"restore: {os.fspath(path)!r} has an argument {unknown[0]!r} "
                f"that {type(self).__name__} does not know; the model is damaged."
            )
        self.set_params(**arguments)
        self.__dict__.pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = len(saved.model.encoder.columns)
        self._take(saved.model)
        return self

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the model that was saved to a directory; see :meth:`restore`."""
        return cls().restore(path)

    def _take(self, model: FittedModel) -> None:
        """Make a fitted model this estimator's own."""
        self.model_ = model

    def _rows(self, table: object, *, fitting: bool) -> Rows:
        """Check a table against scikit-learn's contract and ours, once, at the door."""
        least = 2 if fitting else 1
        frame = frame_of(table)
        if frame is None:
            values = np.asanyarray(table) if isinstance(table, list | tuple) else table
            if getattr(getattr(values, "dtype", None), "kind", "") in ("O", "U", "S"):
                if getattr(values, "ndim", 0) == 2 and hasattr(values, "astype"):
                    values = as_numbers(values)  # type: ignore[arg-type]
            values = validate_data(
                self, values, reset=fitting, ensure_all_finite=False, ensure_min_samples=least
            )
            return MatrixRows(values)
        validate_data(self, table, reset=fitting, skip_check_array=True)
        if len(frame) < least or not frame.columns:
            raise InputError(
                f"expected at least {least} row{'s' if least > 1 else ''} and 1 column, "
                f"got a table of shape {frame.shape}."
            )
        return FrameRows(frame)


def _plain(name: str, value: object) -> Any:
    """Return an argument as JSON can hold it."""
    if callable(value):
        return activation_name(name, resolve_activation(name, value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(name, item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ArgumentError(f"{name} is {value!r}, which cannot be saved; pass a number or None.")
