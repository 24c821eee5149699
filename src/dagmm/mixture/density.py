"""What every density of the ensemble can do: be fitted, give energies, be saved and come back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import AnyArray
from dagmm._core.states import Promise, State
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.row_views import View

#: Of a coordinate's size and one, the step over which slopes are found.
_DIFFERENCE = 1e-5


class Sample(NamedTuple):
    """Rows that a density is fitted to: z of a network, or the encoded rows themselves."""

    z: Float[np.ndarray, "n_latent n_rows"]
    n_code: int
    """Coordinates of z that are the code; those that follow are residual features, or residuals
    of all features."""
    gamma: Float[np.ndarray, "n_components n_rows"] | None = None
    """Memberships that the estimation network gives; None for encoded rows."""


class DensityFit(NamedTuple):
    """A density that was fitted to the rows that are held, and may be fixed from more."""

    moments: Callable[[Sample], Moments] | None
    """Sufficient statistic of any rows; None for a density that stays as it is. It can be
    pickled."""
    fix: Callable[[Moments | None], "Density"]
    """Makes the density, from the merged moments of all rows where it has any."""


class Density(ABC):
    """A density of z, or of encoded rows; frozen once it is fitted.

    A new one is a subclass in a file of its own in :mod:`dagmm.mixture`, and a line in the preset
    that uses it (:mod:`dagmm.training.presets`).
    """

    kind: ClassVar[str]
    """Its name in saved models."""
    is_marginal: ClassVar[bool] = False
    """Whether it takes features one by one, and knows nothing of how they hang together."""
    _known: ClassVar[dict[str, type["Density"]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "kind" in vars(cls):  # what only others build on has no name
            Density._known[cls.kind] = cls

    @classmethod
    @abstractmethod
    def fit(
        cls, sample: Sample, rng: np.random.Generator, *args: Any, **options: Any
    ) -> "Density":
        """Fit the density to some rows.

        Parameters
        ----------
        sample : Sample
        rng : numpy.random.Generator
        *args, **options
            Options of the density's own, by name; see :class:`DensityConfig`.
        """

    def refit(self, sample: Sample, rng: np.random.Generator, **options: Any) -> "Density":
        """Fit a density of this kind to fewer rows, to say how it scores the others.

        Others override it to keep what was found from all rows.
        """
        return type(self).fit(sample, rng, **options)

    @classmethod
    def begin(
        cls, sample: Sample, rng: np.random.Generator, *args: Any, **options: Any
    ) -> DensityFit:
        """Fit the density to the rows that are held; others override it to be fixed from more."""
        density = cls.fit(sample, rng, **options)
        return DensityFit(None, lambda moments: density)

    @abstractmethod
    def energy(self, z: Float[AnyArray, "n_latent n_rows"]) -> Float[AnyArray, " n_rows"]:
        """Energy ``-log p(z)`` of each row in nats, float64; higher is stranger.

        Where its formula is of NumPy's functions, and changes no part of an array in place, a
        model with the density can be exported (:mod:`dagmm.inference.export`).
        """

    def slope(
        self, z: Float[np.ndarray, "n_latent n_rows"]
    ) -> Float[np.ndarray, "n_latent n_rows"]:
        """Slope of the energy along each coordinate, by central differences."""
        z = z.astype(np.float64)
        slope = np.empty_like(z)
        for i, coordinate in enumerate(z):
            step = _DIFFERENCE * (1.0 + np.abs(coordinate))
            below, above = z.copy(), z.copy()
            below[i] -= step
            above[i] += step
            slope[i] = (self.energy(above) - self.energy(below)) / (2.0 * step)
        return slope

    def known_moments(self, n_rows: float) -> Moments | None:
        """Moments of so many rows that the density describes, to be merged with those of others.

        None for a density that moments do not describe: others override the three.
        """
        return None

    def moments_of(self, z: Float[np.ndarray, "n_latent n_rows"]) -> Moments:
        """Moments of rows under the memberships that the density gives them."""
        raise NotImplementedError

    def with_moments(self, total: Moments) -> "Density":
        """Return the density that moments describe, with the floor of this one."""
        raise NotImplementedError

    @property
    @abstractmethod
    def n_components(self) -> int:
        """How many components the density has; of marginal ones, each feature's."""

    @abstractmethod
    def state(self) -> State:
        """Return the density as plain data and arrays."""

    @classmethod
    @abstractmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["Density"]:
        """Check the plain data of :meth:`state`, and promise the density.

        Parameters
        ----------
        plain : JsonField
            Arrays are named after its path.
        n_latent : int
            Coordinates of what the density is of.

        Raises
        ------
        ValueError
            Naming the first field that is missing, unknown, or not as it must be.
        """


@dataclass(frozen=True)
class DensityConfig:
    """A density that is to be fitted.

    Parameters
    ----------
    density : type of Density
    options : mapping
        Of its ``fit``.
    weight : float
        What it counts: of a marginal one its share of the energy, others relative to each other.
    view : {"values", "normal_scores", "last_rows", "level", "summary"}
        As what a density of encoded rows sees them; a network's sees what the network sees.
    """

    density: type[Density]
    options: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    view: View = "values"

    def fit(self, sample: Sample, rng: np.random.Generator) -> Density:
        """Fit the density to some rows."""
        return self.density.fit(sample, rng, **self.options)

    def begin(self, sample: Sample, rng: np.random.Generator) -> DensityFit:
        """Fit the density to the rows that are held, to be fixed from all."""
        return self.density.begin(sample, rng, **self.options)


def known_densities() -> dict[str, type[Density]]:
    """Return every density by its name in saved models."""
    package = __name__.rpartition(".")[0]
    for module in iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    return dict(Density._known)
