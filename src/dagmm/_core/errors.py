"""The errors that dagmm raises on purpose.

Each is also the standard type that a caller would catch for that kind of mistake. A model
that is asked to score before it was fitted raises scikit-learn's own ``NotFittedError``.
"""


class DAGMMError(Exception):
    """Base class of every error that dagmm raises on purpose.

    Examples
    --------
    >>> import dagmm
    >>> try:
    ...     dagmm.load_model("nowhere")
    ... except dagmm.DAGMMError as error:
    ...     print(error)
    restore: 'nowhere' does not exist.
    """


class ArgumentError(DAGMMError, ValueError):
    """A constructor argument or a command's option has a value it cannot have.

    Examples
    --------
    >>> import dagmm
    >>> try:
    ...     dagmm.DAGMMDetector(n_members=0).fit([[0.0], [1.0]])
    ... except dagmm.ArgumentError as error:
    ...     print(error)
    n_members must be an int >= 1, got 0.
    """


class InputError(DAGMMError, ValueError):
    """A table cannot be used: its shape, a column, or the values in a column.

    Examples
    --------
    With ``model`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> import pyarrow as pa
    >>> try:
    ...     model.energy(pa.table({"x0": [0.5], "x1": [0.25]}))
    ... except dagmm.InputError as error:
    ...     print(error)
    X has 2 columns, this model was fitted with 3; missing: 'x2'.
    """


class ModelFileError(DAGMMError, ValueError):
    """A saved model or a checkpoint is missing, damaged, foreign, or not of this library.

    Examples
    --------
    >>> import dagmm
    >>> try:
    ...     dagmm.DAGMMDetector.load("nowhere")
    ... except dagmm.ModelFileError as error:
    ...     print(error)
    restore: 'nowhere' does not exist.
    """


class ModelSaveError(DAGMMError, OSError):
    """A model or a checkpoint could not be written; what was there before is untouched.

    Examples
    --------
    With ``model`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "notes.txt").write_text("mine")
    ...     try:
    ...         model.save(folder)
    ...     except dagmm.ModelSaveError as error:
    ...         print(str(error).partition(folder)[2])
    ' holds files that are not a saved model; choose another directory.
    """


class ExportError(DAGMMError, ValueError):
    """A model cannot be exported; the message says why, and what to do instead."""


class MissingExtraError(DAGMMError, ImportError):
    """Something needs a package that is installed only on demand; the message says how."""


class ForkedProcessError(DAGMMError, RuntimeError):
    """A process was forked from one that had used JAX, and cannot compute."""


class TableWarning(UserWarning):
    """A table is not quite what it seems; the message says which column, why, and what to do.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> import dagmm
    >>> x = np.random.default_rng(0).normal(size=(15, 3))
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always", dagmm.TableWarning)
    ...     detector = dagmm.DAGMMDetector(n_members=1, config={"cycles": 1}).fit(x)
    >>> str(said[0].message).partition(":")[0]
    'the threshold'
    """


class FewRowsWarning(TableWarning):
    """A table is too short for what was asked of it; the message says for what, and what to do."""


class ShortSegmentWarning(TableWarning):
    """Rows of some assets make no window; the message says whose."""
