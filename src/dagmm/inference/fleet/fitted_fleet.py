"""A fitted fleet: a model for each asset, and one of all for those that have none."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.base import Chunk
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.windows.clock import known_assets_of

#: Messages list so many assets by name.
_LISTED = 5


class Asset(NamedTuple):
    """What a fleet knows of one of its assets."""

    n_rows: int
    """Rows that it had when it was fitted."""
    why_not: str = ""
    """Why it has no model of its own; empty where it has one."""
    digest: str = ""
    """What tells its fit from another one."""


@dataclass(frozen=True)
class FittedFleet:
    """A model for each asset.

    Parameters
    ----------
    per : str
        The column that names the asset of a row.
    assets : dict of str to Asset
    models : mapping of str to FittedModel
        Of those that have one of their own.
    of_all : FittedModel
        Fitted to rows of all assets; scores those that have no model of their own.
    """

    per: str
    assets: dict[str, Asset]
    models: Mapping[str, FittedModel]
    of_all: FittedModel

    def is_own(self, asset: str) -> bool:
        """Whether an asset has a model of its own."""
        return asset in self.assets and not self.assets[asset].why_not

    def model_of(self, asset: str, *, unseen_by_all: bool = False) -> FittedModel:
        """Return what scores an asset: its own model, or that of all.

        Parameters
        ----------
        asset : str
        unseen_by_all : bool, default=False
            Whether assets that the fleet was not fitted to are scored by the model of all.

        Raises
        ------
        InputError
            If the fleet was not fitted to the asset and nobody asked for the model of all.
        """
        if self.is_own(asset):
            return self.models[asset]
        if asset not in self.assets and not unseen_by_all:
            raise InputError(
                f"{self.per} {asset!r} is none of the {len(self.assets)} that the fleet was "
                f"fitted to. {near(asset, list(self.assets))} Add it to the fleet, or have such "
                "assets scored by the model of all with unseen='all' (--unseen all)."
            )
        return self.of_all

    def with_thresholds(
        self, choose: Callable[[FittedModel], Threshold]
    ) -> tuple["FittedFleet", dict[str, Threshold]]:
        """Return the fleet with other thresholds, and what was chosen for each asset.

        Parameters
        ----------
        choose : callable
            Finds the threshold of a model. The model of all is asked once for all its assets.

        Raises
        ------
        ArgumentError
            What ``choose`` raises, with the asset.
        """

        def moved_of(name: str, model: FittedModel) -> FittedModel:
            try:
                return model.with_threshold(choose(model))
            except ArgumentError as error:
                raise ArgumentError(f"{self.per} {name!r}: {error}") from error

        moved = {name: moved_of(name, one) for name, one in self.models.items()}
        with_changed = getattr(self.models, "with_changed", dict)
        models: Mapping[str, FittedModel] = with_changed(moved)
        of_all = self.of_all.with_threshold(choose(self.of_all))
        found = replace(self, models=models, of_all=of_all)
        chosen = {name: found.model_of(name).decision for name in self.assets}
        return found, {name: one for name, one in chosen.items() if one is not None}


class AssetPart(NamedTuple):
    """The rows of one asset in a chunk."""

    asset: str
    places: Int64[np.ndarray, " n_some"]
    """Positions in the chunk, in ascending order."""


def parts_of(chunk: Chunk, per: str) -> Iterator[AssetPart]:
    """Yield which rows of a chunk belong to which asset, in the order in which assets come.

    Raises
    ------
    InputError
        If there is no such column, or a row names no asset.
    """
    names, code = known_assets_of(chunk, per)
    if None in names:
        row = chunk.start + int(np.argmax(code == names.index(None)))
        raise InputError(
            f"column {per!r} names no asset in row {row}; each row of a fleet needs one. Fill "
            "it, or leave the row out."
        )
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=len(names)))
    for name, start, end in zip(names, [0, *ends.tolist()][:-1], ends.tolist(), strict=True):
        assert name is not None, "checked"
        yield AssetPart(name, order[start:end])


def listed(names: list[str]) -> str:
    """Name a few assets, and say how many more there are."""
    more = len(names) - _LISTED
    return ", ".join(map(repr, names[:_LISTED])) + (f" and {more} more" if more > 0 else "")
