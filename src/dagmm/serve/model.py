"""The model that is served, and its replacement by what is saved in its place."""

import hashlib
import logging
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dagmm._core.errors import ArgumentError, DAGMMError, ModelFileError
from dagmm._core.visible import visible_line
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import MANIFEST, load_model

_LOG = logging.getLogger("dagmm.serve")
#: Readings of a model that is replaced again and again, at most.
_MOST_READINGS = 100


@dataclass(frozen=True)
class Served:
    """One model as it was loaded. A request takes one and keeps it until it is answered.

    Parameters
    ----------
    model : FittedModel
    name : str
    version : str
        The beginning of the SHA-256 of its manifest: the same in all processes.
    loaded : float
        When, in seconds since 1970.
    """

    model: FittedModel
    name: str
    version: str
    loaded: float

    @cached_property
    def explainer(self) -> Explainer:
        """What explains its rows."""
        return Explainer(self.model)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Columns that a fit on the command line was told to pass through."""
        roles = self.model.record.roles
        if roles is None:
            return ()
        return tuple(name for name in (*roles.ids, roles.group, roles.time) if name is not None)


class ModelHolder:
    """Holds the model of a directory, and takes another when one is saved there.

    Parameters
    ----------
    path : str
    name : str
    most_columns : int
        Of a model that can be served.

    Attributes
    ----------
    served : Served
        The model now. It is replaced as a whole: who took it before goes on with it.
    problem : str
        Why what lies in the directory now was not taken; empty where it was.
    reloads, failures : int
        How often another model was taken, or could not be.

    Raises
    ------
    ModelFileError
        If there is no model that can be read.
    ArgumentError
        If it is one of images, or wider than a request may be.
    """

    def __init__(self, path: str, name: str, most_columns: int) -> None:
        self._manifest = Path(path) / MANIFEST
        self._path, self._name, self._most_columns = path, name, most_columns
        self._seen = self._look()
        self.served = self._load()
        self.problem, self.reloads, self.failures = "", 0, 0

    def renew(self) -> bool:
        """Take what is saved in the directory, if it is another model; else keep the one there is.

        Returns
        -------
        bool
            Whether another model was taken.
        """
        now = self._look()
        if now == self._seen:
            return False
        self._seen = now
        try:
            new = self._load()
        except DAGMMError as error:
            self.problem = str(error)
            self.failures += 1
            _LOG.error("the model was not replaced: %s", visible_line(str(error)))
            return False
        self.problem = ""
        if new.version == self.served.version:
            return False
        self.served = new
        self.reloads += 1
        _LOG.info("the model was replaced; it is version %s now", new.version)
        return True

    def _look(self) -> tuple[int, int, int] | None:
        """Return what differs when the manifest was written anew."""
        try:
            status = self._manifest.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _load(self) -> Served:
        for _ in range(_MOST_READINGS):
            before = self._version()
            model = load_model(self._path).model
            # Between the two readings another model may have been saved.
            if self._version() == before:
                self._check(model)
                return Served(model, self._name, before, time.time())
        raise ModelFileError(f"{self._path!r} is replaced all the time; try again later.")

    def _version(self) -> str:
        try:
            return hashlib.sha256(self._manifest.read_bytes()).hexdigest()[:12]
        except OSError:
            return ""  # which load_model says in words

    def _check(self, model: FittedModel) -> None:
        n_columns = len(model.table_encoder.columns)
        if n_columns > self._most_columns:
            raise ArgumentError(
                f"the model has {n_columns:,} columns, and requests may have no more than "
                f"{self._most_columns:,}; raise --max-columns."
            )
