"""New rows for a saved model: a table, or images, as the model takes them."""

import contextlib
from collections.abc import Iterator, Sequence

from dagmm.cli.jobs.images import check_no_roles, is_images, open_images, table_encoder
from dagmm.cli.jobs.labels import normal_rows
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import check_model_columns, label_roles
from dagmm.cli.jobs.tables import labels_of
from dagmm.cli.terminal import errors_named
from dagmm.data.base import Rows
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.open import open_table
from dagmm.data.paths import rows_in
from dagmm.inference.fitted_model import FittedModel


@contextlib.contextmanager
def all_rows(model: FittedModel, path: Paths, options: TableOptions) -> Iterator[Rows]:
    """Open the rows of a table, or images; what is wrong with them is named after it.

    Raises
    ------
    ArgumentError, InputError
    """
    if is_images(path):
        check_no_roles(Roles(), options, path)
        with errors_named(repr(path)):
            yield open_images(path, quiet=True)
        return
    table_encoder(model, path)
    with open_table(path, as_at_fit(options, model.record)) as source:
        check_model_columns(model, source.columns, source.name)
        texts = tuple(text.name for text in model.table_encoder.texts)
        with errors_named(source.name):
            yield rows_in(source, _read(model, source.columns), texts)


@contextlib.contextmanager
def only_normal_rows(
    model: FittedModel, path: Paths, options: TableOptions, roles: Roles, done: str, quiet: bool
) -> Iterator[Rows]:
    """Open the rows of a table that are labelled normal, or all where there is no label.

    Parameters
    ----------
    model : FittedModel
    path : str or tuple of str
    options : TableOptions
    roles : Roles
        Label and what is normal, said now; where nothing is said, the model remembers what was
        said at the fit.
    done : str
        What is done with the rows, in words.
    quiet : bool

    Raises
    ------
    ArgumentError, InputError
    """
    if is_images(path):
        check_no_roles(roles, options, path)
        with all_rows(model, path, options) as images:
            yield images
        return
    table_encoder(model, path)
    with open_table(path, as_at_fit(options, model.record)) as source:
        known = label_roles(roles, model, source)
        label = () if known.label is None else (known.label,)
        check_model_columns(model, source.columns, source.name, label)
        texts = tuple(text.name for text in model.table_encoder.texts) + label
        columns = tuple(dict.fromkeys((*_read(model, source.columns), *label)))
        rows, name = rows_in(source, columns, texts), source.name
        if known.label is not None:
            labels = labels_of(rows, known, source.name)
            rows, name = normal_rows(rows, labels, source.name, done, quiet)
        with errors_named(name):
            yield rows


def _read(model: FittedModel, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table that are read."""
    # How rows of an asset follow each other is kept for alarm logic.
    wanted = (*model.read_columns, *(() if model.group is None else (model.group,)))
    return tuple(name for name in dict.fromkeys(wanted) if name in names)
