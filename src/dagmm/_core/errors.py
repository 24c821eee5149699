"""The errors that dagmm raises on purpose.

Each is also the standard type that a caller would catch for that kind of mistake. A model
that is asked to score before it was fitted raises scikit-learn's own ``NotFittedError``.
"""


class DAGMMError(Exception):
    """Base class of every error that dagmm raises on purpose."""


class ArgumentError(DAGMMError, ValueError):
    """A constructor argument or a command's option has a value it cannot have."""


class InputError(DAGMMError, ValueError):
    """A table cannot be used: its shape, a column, or the values in a column."""


class ModelFileError(DAGMMError, ValueError):
    """A saved model or a checkpoint is missing, damaged, foreign, or not of this library."""


class ModelSaveError(DAGMMError, OSError):
    """A model or a checkpoint could not be written; what was there before is untouched."""


class ExportError(DAGMMError, ValueError):
    """A model cannot be exported; the message says why, and what to do instead."""


class MissingExtraError(DAGMMError, ImportError):
    """Something needs a package that is installed only on demand; the message says how."""


class ForkedProcessError(DAGMMError, RuntimeError):
    """A process was forked from one that had used JAX, and cannot compute."""


class TableWarning(UserWarning):
    """A table is not quite what it seems; the message says which column, why, and what to do."""


class FewRowsWarning(TableWarning):
    """A table is too short for what was asked of it; the message says for what, and what to do."""


class ShortSegmentWarning(TableWarning):
    """Rows of some assets make no window; the message says whose."""
