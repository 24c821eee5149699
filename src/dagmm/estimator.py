"""What both estimators share: taking tables, saving, loading."""

import math
import os
import reprlib
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from dagmm.errors import ArgumentError, InputError, ModelFileError
from dagmm.fitted import FittedModel
from dagmm.networks import activation_name
from dagmm.networks.activation import resolve_activation
from dagmm.rows import FrameRows, MatrixRows, Rows, array_of, as_numbers, frame_of
from dagmm.saving import SavedModel, load_model, save_model


class FittedModelEstimator(BaseEstimator):
    """Base of the estimators: each holds one fitted model, ``model_``, and speaks for it."""

    model_: FittedModel
    n_features_in_: int
    #: Whether the models of this class decide.
    _has_threshold: ClassVar[bool] = False

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
        wrong = self._wrong_in(saved)
        if wrong:
            raise ModelFileError(f"restore: {os.fspath(path)!r} is damaged: {wrong}.")
        arguments = type(self)().get_params(deep=False) | saved.arguments
        names = arguments.pop("feature_names_in_")
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

    def _wrong_in(self, saved: SavedModel) -> str:
        """Say what this class cannot have saved; nothing if all is well."""
        known = {*self.get_params(deep=False), "feature_names_in_"}
        unknown = sorted(saved.arguments.keys() - known)
        if unknown:
            return f"{type(self).__name__} has no argument {reprlib.repr(unknown[0])}"
        for name, value in saved.arguments.items():
            if not _is_plain(value):
                return f"argument {name!r} cannot be {reprlib.repr(value)}"
        columns = list(saved.model.encoder.columns)
        if saved.arguments.get("feature_names_in_", ()) not in (None, columns):
            return "feature_names_in_ must be the columns or null"
        if (saved.model.threshold is not None) != self._has_threshold:
            return f"threshold must {'' if self._has_threshold else 'not '}be there"
        return ""

    def _rows(self, table: object, *, fitting: bool) -> Rows:
        """Check a table against scikit-learn's contract and ours, once, at the door."""
        least = 2 if fitting else 1
        frame = frame_of(table)
        if frame is None:
            values = array_of(table) if isinstance(table, list | tuple) else table
            # scikit-learn has words of its own for complex numbers.
            if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind != "c":
                values = as_numbers(values)
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
        value = value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(name, item) for item in value]
    if _is_plain(value):
        return value
    raise ArgumentError(f"{name} is {value!r}, which cannot be saved; pass a number or None.")


def _is_plain(value: object) -> bool:
    """Whether a value is one that an argument can be saved as."""
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | bool | int)
