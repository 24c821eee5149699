"""The fitted model: what a fit makes, what is saved, and what everything that scores takes."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.parallel import parallel_map
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows
from dagmm.data.convert import as_rows
from dagmm.data.images import ImageRows
from dagmm.inference.calibration.calibration import OF_A_TABLE, Calibration
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.chunks import buffer_rows
from dagmm.inference.ensemble import (
    Combination,
    Component,
    Ensemble,
    TrainedNetwork,
    combine,
    disagreement,
    networks_of,
)
from dagmm.inference.record import TrainingRecord
from dagmm.inference.revision import FIRST, Revision
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.mixture_density import MixtureDensity
from dagmm.preprocessing.image_encoder import ImageEncoder, size_in_words
from dagmm.preprocessing.one_asset import OneAsset
from dagmm.preprocessing.pipeline import FeatureReader, Features
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.clock import known_assets_of
from dagmm.preprocessing.windows.spec import WindowSpec

#: Most inputs of a chunk of rows.
_MOST_INPUTS = 2**25
#: Rows of a table are scored in chunks of no more inputs. Not of fewer: threads that come back to
#: the interpreter wait for each other there, and should not do so often.
_INPUTS_AT_ONCE = 2**20
#: Windows are scored so many at a time, as those of a stream are.
_WINDOWS_AT_ONCE = 256


@dataclass(frozen=True)
class FittedModel:
    """A frozen model: encoder, components, threshold and the record of its training.

    Parameters
    ----------
    encoder : TableEncoder or ImageEncoder
    components : tuple of Component
        What gives rows an energy, together.
    calibration : Calibration
        What is known of normal rows.
    record : TrainingRecord
    decision : Threshold or None
        The threshold, and what it means; None for a model that does not decide.
    windows : WindowSpec or None
        How windows are made of rows; None where each row is scored by itself.
    revision : Revision
        Which version of the model this is, and what it is called.

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> model.model_.columns
    ('x0', 'x1', 'x2')
    """

    encoder: TableEncoder | ImageEncoder
    components: tuple[Component, ...]
    calibration: Calibration
    record: TrainingRecord
    decision: Threshold | None = None
    windows: WindowSpec | None = None
    revision: Revision = FIRST

    @cached_property
    def ensemble(self) -> Ensemble:
        """The components, ready to score."""
        return Ensemble(self.components)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def threshold(self) -> float | None:
        """Energy above which a row is an anomaly, in nats."""
        return None if self.decision is None else self.decision.energy

    @property
    def networks(self) -> tuple[TrainedNetwork, ...]:
        """The trained networks, in their order."""
        return networks_of(self.components)

    def mixture_of(self, network: TrainedNetwork) -> GaussianMixture | None:
        """Return the Gaussian mixture of what densities see of a network; None without one."""
        for one in self.components:
            if one.transform is network and isinstance(one.density, MixtureDensity):
                return one.density.mixture
        return None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a table needs to be scored: those described, and clock and asset."""
        if self.windows is None:
            return self.encoder.columns
        return (*self.encoder.columns, *self.windows.columns, *self._clock)

    @property
    def read_columns(self) -> tuple[str, ...]:
        """Columns that are read where a table has them: those needed, and whose rows they are."""
        if isinstance(self.encoder, ImageEncoder) or self.encoder.asset is None:
            return self.columns
        return tuple(dict.fromkeys([*self.columns, self.encoder.asset.column]))

    @property
    def time(self) -> str | None:
        """The column that says when a row was measured, where one was named."""
        return self._axis("time") if self.windows is None else self.windows.time

    @property
    def group(self) -> str | None:
        """The column that names the asset of a row, where one was named."""
        return self._axis("group") if self.windows is None else self.windows.group

    def _axis(self, reason: str) -> str | None:
        found = [one.name for one in self.encoder.unused_columns if one.reason == reason]
        return found[0] if found else None

    @property
    def alarm_columns(self) -> tuple[str, ...]:
        """Columns that a table needs beside the others for its alarms to be told."""
        return (self.group,) if self.has_alarm_logic and self.group is not None else ()

    @property
    def has_alarm_logic(self) -> bool:
        """Whether an alarm is something else than a row above the threshold."""
        return self.decision is not None and not self.decision.alarm_rule.is_plain

    @property
    def _clock(self) -> tuple[str, ...]:
        """The column of the time of day, where the time axis of windows has one."""
        if self.windows is None or isinstance(self.encoder, ImageEncoder):
            return ()
        clock = self.encoder.reading_of(self.windows.time).clock
        return (clock,) if clock else ()

    @property
    def table_encoder(self) -> TableEncoder:
        """The encoder of a model of tables.

        Raises
        ------
        ArgumentError
            If the model was fitted on images.
        """
        if isinstance(self.encoder, ImageEncoder):
            raise ArgumentError(
                f"the model was fitted on images of {size_in_words(self.encoder.shape)}; this is "
                "for models of tables."
            )
        return self.encoder

    @property
    def n_steps(self) -> int:
        """Rows that a row is scored with, itself included."""
        return 1 if self.windows is None else self.windows.n_steps

    @property
    def n_inputs(self) -> int:
        """Width of what the networks see."""
        return self.encoder.n_features if self.windows is None else self.windows.n_inputs

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The column that each of the networks' inputs comes from."""
        columns = self.encoder.feature_columns
        return columns if self.windows is None else self.windows.input_columns(columns)

    def with_threshold(self, threshold: Threshold) -> "FittedModel":
        """Return the same model with another threshold."""
        return replace(self, decision=threshold)

    def of_asset(self, asset: OneAsset) -> "FittedModel":
        """Return the same model, which refuses rows of other assets."""
        return replace(self, encoder=replace(self.table_encoder, asset=asset))

    def energy(self, table: object) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row in nats; higher is stranger.

        A row's energy depends on the row alone, not on the rows it comes with; with windows, on
        the row and on earlier rows of its asset.

        Parameters
        ----------
        table : DataFrame, array-like of shape (n_rows, n_columns) or Rows
            A DataFrame's columns are found by name and may stand in any order, among others.

        Returns
        -------
        ndarray of shape (n_rows,), float64

        Raises
        ------
        InputError
            If columns are missing, or values cannot be encoded.
        """
        return self._by_chunk(combine, table)

    def deviation(self, table: object) -> Float[np.ndarray, " n_rows"]:
        """How much the networks disagree about the energy of each row, in nats.

        Parameters, errors as in :meth:`energy`.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            See :func:`disagreement`; zero for a model of one network.
        """
        return self._by_chunk(disagreement, table)

    def seen(self, table: object) -> Iterator[Features]:
        """Yield what the networks see of a table's rows, chunk by chunk.

        Parameters, errors as in :meth:`energy`.
        """
        rows = as_rows(table, columns=self.read_columns)
        self.check(rows)
        reader = self.reader()
        chunks = rows.only(self.read_columns).chunks(self.chunk_rows)
        return (reader.read(chunk, to_explain=True) for chunk in chunks)

    def latent(self, table: object) -> Float[np.ndarray, "n_rows n_latent"]:
        """Z of each row: code and residual features of all networks, side by side.

        Parameters, errors as in :meth:`energy`.

        Returns
        -------
        ndarray of shape (n_rows, n_latent), float64
        """
        parts = [
            np.concatenate([network.latent(seen.inputs) for network in self.networks]).T
            for seen in self.seen(table)
        ]
        width = sum(network.architecture.n_latent for network in self.networks)
        return np.concatenate([np.empty((0, width)), *parts])

    def membership(
        self, table: object, network: int = 0
    ) -> Float[np.ndarray, "n_rows n_components"]:
        """Gamma of each row: what the estimation network of one network makes of its z.

        Parameters, errors as in :meth:`energy`.

        Returns
        -------
        ndarray of shape (n_rows, n_components), float64
        """
        one = self.networks[network]
        parts = [one.outputs(seen.inputs).gamma.T for seen in self.seen(table)]
        return np.concatenate([np.empty((0, one.architecture.n_components)), *parts])

    def reconstruct(self, table: object) -> dict[str, np.ndarray] | np.ndarray:
        """Return what the networks rebuild each row as, in the user's units; their mean.

        Parameters, errors as in :meth:`energy`.

        Returns
        -------
        dict of str to ndarray of shape (n_rows,), or ndarray of images
            As :meth:`decode` has it.
        """
        parts: list[Any] = []
        for seen in self.seen(table):
            rebuilt = np.zeros(seen.inputs.shape)
            for network in self.networks:
                code = network.latent(seen.inputs)[: network.architecture.n_code]
                rebuilt += network.decode(code) / len(self.networks)
            inputs = rebuilt.astype(np.float32)
            if isinstance(self.encoder, ImageEncoder):
                parts.append(self.encoder.decode(inputs))
            else:
                parts.append(self.decode(seen._replace(inputs=inputs)))
        if isinstance(self.encoder, ImageEncoder):
            return np.concatenate([np.empty((0, *self.encoder.shape)), *parts])
        if not parts:
            return {name: np.empty(0) for name in self.encoder.columns}
        return {
            name: np.concatenate([part[name] for part in parts]) for name in self.encoder.columns
        }

    def calibrated(self, table: object) -> "FittedModel":
        """Return the same model, which knows the energies of other normal rows.

        Parameters
        ----------
        table : DataFrame, array-like of shape (n_rows, n_columns) or Rows
            Normal rows that the model was not fitted to, as :meth:`energy` takes them.

        Raises
        ------
        InputError
            If there are no rows, columns are missing, or values cannot be encoded.
        """
        rows = as_rows(table, columns=self.read_columns)
        if rows.n_rows == 0:
            raise InputError("calibrate: expected at least 1 row, got none.")
        energy = self.energy(rows)[self._by_asset(rows)]
        return replace(
            self, calibration=self.calibration.with_held_out(energy, OF_A_TABLE, self.n_steps)
        )

    def _by_asset(self, rows: Rows) -> slice | np.ndarray:
        """Return how to sort rows so that those of one asset follow each other."""
        if self.group is None or self.group not in rows.names:
            return slice(None)
        known: dict[str | None, int] = {}
        assets = []
        for chunk in rows.only((self.group,)).chunks():
            names, asset = known_assets_of(chunk, self.group)
            number = np.array([known.setdefault(name, len(known)) for name in names], np.int64)
            assets.append(number[asset])
        return np.argsort(np.concatenate(assets), kind="stable")

    def check(self, rows: Rows) -> None:
        """Check that a table has the columns the model was fitted on, images its size.

        Raises
        ------
        InputError
        """
        if isinstance(self.encoder, ImageEncoder):
            self.encoder.check(rows)
            return
        if isinstance(rows, ImageRows):
            raise InputError(
                f"X has images of {size_in_words(rows.shape)}; this model was fitted on a table "
                f"of {len(self.encoder.columns)} columns."
            )
        if self.windows is not None:
            self.windows.check(rows.names, self._clock)
        self.encoder.check(rows.names)
        self.encoder.check_units(rows.style)

    def reader(self) -> FeatureReader:
        """Return what turns chunks of a table, in their order, into inputs of the networks."""
        return FeatureReader(self.encoder, self.windows)

    def energy_of_features(
        self, features: Float32[np.ndarray, "n_rows n_inputs"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of what the networks see of rows, in nats."""
        return self._joined(combine, features)

    def _joined(
        self, joined: Combination, features: Float32[np.ndarray, "n_rows n_inputs"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Join the components' energies of each row."""
        return joined(self.components, self.ensemble.energies(features))

    def _by_chunk(self, joined: Combination, table: object) -> Float[np.ndarray, " n_rows"]:
        """Join the components' energies of each row, chunk by chunk."""
        rows = as_rows(table, columns=self.read_columns)
        self.check(rows)

        if self.windows is not None:
            return self.next_energies(self.reader(), rows, joined)

        def of_chunk(chunk: Chunk) -> np.ndarray:
            return self._joined(joined, self.encoder.encode(chunk))

        wanted = rows.only(self.read_columns)
        if isinstance(rows, ImageRows):
            chunks = wanted.chunks()
        else:
            size = buffer_rows(self.n_inputs)
            at_once = max(size, min(CHUNK_ROWS, _INPUTS_AT_ONCE // self.n_inputs) // size * size)
            chunks = wanted.chunks(at_once)
        # Filled in place: of a long table parts and whole would be twice as much.
        whole, done = np.empty(rows.n_rows), 0
        for part in parallel_map(of_chunk, chunks):
            whole[done : done + len(part)] = part
            done += len(part)
        return whole

    def next_energies(
        self, reader: FeatureReader, rows: Rows, joined: Combination | None = None
    ) -> Float[np.ndarray, " n_rows"]:
        """Energies of rows that come after those which the reader has read."""
        joined = joined or combine
        inputs = (reader.read(chunk).inputs for chunk in rows.chunks(self.chunk_rows))
        parts = list(parallel_map(lambda part: self._joined(joined, part), inputs))
        return np.concatenate(parts) if parts else np.empty(0)

    def next_seen(self, reader: FeatureReader, rows: Rows) -> tuple[np.ndarray, Features]:
        """Energies of rows that come after those which the reader has read, and what is seen."""
        chunks = rows.chunks(self.chunk_rows)
        seen = Features.joined([reader.read(chunk, to_explain=True) for chunk in chunks])
        parts = (seen.inputs[i : i + CHUNK_ROWS] for i in range(0, rows.n_rows, CHUNK_ROWS))
        return np.concatenate(list(parallel_map(self.energy_of_features, parts))), seen

    def decode(self, seen: Features) -> dict[str, np.ndarray]:
        """Return what the networks see of rows in the user's units, by column.

        Of windows their mean: that of the category shares, for text. See
        :meth:`TableEncoder.decode`.
        """
        if self.windows is None:
            return self.table_encoder.decode(seen.inputs)
        levels = self.windows.view.levels_of(seen.inputs)
        return self.table_encoder.decode(levels if seen.apart is None else levels + seen.apart)

    @property
    def chunk_rows(self) -> int:
        """Rows that are scored at a time: fewer where a window is wide."""
        if self.windows is None:
            return CHUNK_ROWS
        return max(_WINDOWS_AT_ONCE, min(CHUNK_ROWS, _MOST_INPUTS // self.n_inputs))
