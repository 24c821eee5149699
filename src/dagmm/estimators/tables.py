"""The door of the estimators: what came as a table or as images becomes rows, checked once."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.arrays import MatrixRows, array_of, as_numbers
from dagmm.data.base import Rows
from dagmm.data.frames import FrameRows, frame_of, with_index
from dagmm.data.images import ImageRows, image_rows
from dagmm.data.paths import stored_rows
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.image_encoder import ImageEncoder

_ABOUT_COLUMNS = ("drop", "categorical", "numeric", "time", "group", "window", "time_format")


class TakesTables(BaseEstimator):
    """What takes tables in all their kinds, by scikit-learn's contract and the model's columns."""

    model_: FittedModel
    n_features_in_: int

    def rows(self, X: Any) -> Rows:
        """Return the rows of a table, checked as every method checks it.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images

        Returns
        -------
        Rows

        Raises
        ------
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.rows(rows).n_rows
        2
        """
        return self._rows(X, fitting=False)

    def _roles(self) -> ColumnRoles:
        """Check what the user says about columns."""
        names = ("drop", "categorical", "numeric", "time", "group", "time_format")
        return ColumnRoles.of(**{name: getattr(self, name) for name in names})

    def _rows(self, table: object, *, fitting: bool) -> Rows:
        """Check a table against scikit-learn's contract and ours, once, at the door."""
        least = 2 if fitting else 1
        # Whether something is images, a path or a frame takes as long as to score an array's row.
        if type(table) is np.ndarray and table.ndim == 2:
            return self._matrix_rows(table, least, fitting=fitting)
        images = image_rows(table)
        if images is not None:
            return self._image_rows(images, least, fitting=fitting)
        stored = stored_rows(table)
        if stored is not None:
            return self._stored_rows(stored, least, fitting=fitting)
        table = with_index(table, self._axes(fitting=fitting))
        frame = frame_of(table)
        if frame is None:
            values = array_of(table) if isinstance(table, list | tuple) else table
            return self._matrix_rows(values, least, fitting=fitting)
        if fitting:
            # scikit-learn takes names that are all text, which ours are, or none that is; of those
            # it would take 1 and True for one.
            named: Any = frame.to_native()
            is_pandas = hasattr(table, "set_axis")
            names = getattr(table, "columns", ()) if is_pandas else ("",)
            if not any(isinstance(name, str) for name in names):
                named = named.set_axis(range(len(frame.columns)), axis=1)
            validate_data(self, named, reset=True, skip_check_array=True)
        if len(frame) < least or not frame.columns:
            raise InputError(
                f"expected at least {least} row{'s' if least > 1 else ''} and 1 column, "
                f"got a table of shape {frame.shape}."
            )
        return FrameRows(frame)

    def _matrix_rows(self, values: Any, least: int, *, fitting: bool) -> MatrixRows:
        # scikit-learn has words of its own for complex numbers.
        if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind != "c":
            values = as_numbers(values)
        if fitting or not self._is_like_the_fit(values):
            values = validate_data(
                self, values, reset=fitting, ensure_all_finite=False, ensure_min_samples=least
            )
        return MatrixRows(values, None if fitting else self._names_of_array())

    def _is_like_the_fit(self, values: object) -> bool:
        """Whether scikit-learn would find nothing to say: floats, as many columns as the fit."""
        return (
            type(values) is np.ndarray
            and values.dtype.kind == "f"
            and values.ndim == 2
            and len(values) > 0
            and values.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _axes(self, *, fitting: bool) -> Iterable[str]:
        """Return the columns of time axis and asset: of a model, those of its fit."""
        if fitting:
            return self._roles().axes
        if isinstance(self.model_.encoder, ImageEncoder):
            return ()
        encoder = self.model_.encoder
        axes = [one.name for one in encoder.unused_columns if one.reason in ("time", "group")]
        return axes if encoder.asset is None else [*axes, encoder.asset.column]

    def _names_of_array(self) -> tuple[str, ...] | None:
        """Return the columns that an array has after a fit to a table with names.

        They are those of the fit, in their order, as scikit-learn's warning about missing names
        takes them to be. Only numbers can come so: a table of texts or dates, or with a clock,
        does not become an array without a loss.
        """
        names = getattr(self, "feature_names_in_", None)
        encoder = self.model_.encoder
        if names is None or isinstance(encoder, ImageEncoder):
            return None
        others = [text.name for text in encoder.texts] + [date.name for date in encoder.dates]
        if self.model_.windows is not None:
            others += self.model_.windows.columns
        if others:
            raise InputError(
                f"X is an array, whose columns have no names and hold numbers; this model needs "
                f"column {others[0]!r}, which the fit found by its name. Pass a DataFrame."
            )
        return tuple(str(name) for name in names)

    def _stored_rows(self, rows: Rows, least: int, *, fitting: bool) -> Rows:
        if rows.n_rows < least or not rows.names:
            raise InputError(
                f"expected at least {least} row{'s' if least > 1 else ''} and 1 column, "
                f"got a table of shape ({rows.n_rows}, {len(rows.names)})."
            )
        if fitting:
            self.feature_names_in_ = np.array(rows.names, dtype=object)
            self.n_features_in_ = len(rows.names)
        return rows

    def _image_rows(self, images: ImageRows, least: int, *, fitting: bool) -> ImageRows:
        if images.n_rows < least:
            raise InputError(
                f"expected at least {least} image{'s' if least > 1 else ''}, got {images.n_rows}."
            )
        if fitting:
            for name in _ABOUT_COLUMNS:
                if getattr(self, name, None) is not None:
                    raise ArgumentError(f"{name} is about columns, and X holds images.")
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = math.prod(images.shape)
        return images
