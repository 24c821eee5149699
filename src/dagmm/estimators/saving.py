"""An estimator on disk: written to a directory with its arguments, read again, exported."""

import os
import reprlib
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from dagmm._core.errors import ModelFileError
from dagmm.estimators.arguments import is_plain_argument, plain_argument
from dagmm.estimators.tables import TakesTables
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import SavedModel, load_model, save_model
from dagmm.preprocessing.image_encoder import ImageEncoder

if TYPE_CHECKING:
    from dagmm.inference.export.export import Exported


class SavesModel(TakesTables):
    """What an estimator writes and reads: its fitted model, and the arguments it was made with."""

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

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder)
        ...     same = DAGMMDetector.load(folder)
        >>> same.predict(rows).tolist()
        [1, -1]
        """
        check_is_fitted(self)
        arguments = {
            name: plain_argument(name, value)
            for name, value in self.get_params(deep=False).items()
        }
        names = getattr(self, "feature_names_in_", None)
        arguments["feature_names_in_"] = None if names is None else [str(name) for name in names]
        save_model(path, self.model_, type(self).__name__, arguments)

    def export_onnx(self, path: str | os.PathLike[str], *, force: bool = False) -> "Exported":
        """Write the fitted model as one graph of ONNX, which scores without this library.

        It takes the columns of the table by their names, and gives label, score, energy and
        p-value of each row. Before it is written, its energies are compared with those of the
        library. Needs the ``onnx`` extra.

        Parameters
        ----------
        path : path-like
            A file.
        force : bool, default=False
            Whether a file that exists may be replaced.

        Returns
        -------
        Exported
            Names of inputs and outputs, and what the comparison found; see
            :class:`dagmm.inference.export.export.Exported`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If the file exists and ``force`` is not set, or cannot be written.
        ExportError
            If the model is one of windows or images, has an activation without a known name, or
            its graph differs from the library.
        MissingExtraError
            Without the package onnx.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     exported = model.export_onnx(f"{folder}/model.onnx")
        >>> exported.outputs
        ('label', 'scores', 'energy', 'p_value')
        """
        check_is_fitted(self)
        from dagmm.inference.export.export import export_onnx

        return export_onnx(self.model_, path, force=force)

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

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder)
        ...     same = DAGMMDetector().restore(folder)
        >>> same.energy(rows) == model.energy(rows)
        array([ True,  True])
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
        self.n_features_in_ = _n_columns(saved.model)
        self._take(saved.model)
        return self

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the model that was saved to a directory; see :meth:`restore`.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder)
        ...     same = DAGMMDetector.load(folder)
        >>> same.energy(rows) == model.energy(rows)
        array([ True,  True])
        """
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
            if not is_plain_argument(name, value):
                return f"argument {name!r} cannot be {reprlib.repr(value)}"
        encoder = saved.model.encoder
        columns = {*encoder.columns, *(column.name for column in encoder.unused_columns)}
        names = saved.arguments.get("feature_names_in_", ())
        if names is not None and not (
            isinstance(names, list)
            and all(isinstance(name, str) for name in names)
            and len(names) == len(columns)
            and set(names) == columns
        ):
            return "feature_names_in_ must be the columns or null"
        if (saved.model.threshold is not None) != self._has_threshold:
            return f"threshold must {'' if self._has_threshold else 'not '}be there"
        return ""


def _n_columns(model: FittedModel) -> int:
    """Columns of the training table, those that were not used included; pixels of an image."""
    if isinstance(model.encoder, ImageEncoder):
        return model.encoder.n_features
    return len(model.encoder.columns) + len(model.encoder.unused_columns)
