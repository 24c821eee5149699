"""What the training of a network changed, measured."""

from dataclasses import dataclass, fields

from dagmm._core.json_fields import JsonField

#: Most columns, or arrays of a network, of one part that are read.
MOST_PARTS = 2**20
#: Standard errors, and share of the error of shuffled rows, that rows must be rebuilt better by.
_SURE, _LEAST_GAIN = 3.0, 0.01


@dataclass(frozen=True)
class Relations:
    """What a network rebuilds rows by: what their columns have in common, or each by itself.

    Where there are no rows that it was not fitted to, as of images and of ``DAGMM``, it may know
    rows by heart: that nothing is used is certain there, that something is may be so by chance.

    Parameters
    ----------
    together : float
        Mean squared error of rows, which the network was not fitted to where there are such.
    shuffled : float
        The same with the columns shuffled against each other.
    deviation : float
        Standard error of the difference of the two.
    """

    together: float
    shuffled: float
    deviation: float

    @property
    def are_used(self) -> bool:
        """Whether rows are rebuilt better than what has nothing in common, beyond chance."""
        gain = self.shuffled - self.together
        return gain > max(_SURE * self.deviation, _LEAST_GAIN * self.shuffled)

    @classmethod
    def read(cls, field: JsonField) -> "Relations":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        return cls(*(part.number() for part in field.fields("together", "shuffled", "deviation")))


@dataclass(frozen=True)
class Diagnostics:
    """A trained network compared with itself before training.

    Parameters
    ----------
    reconstruction_before, reconstruction_after : float
        Mean squared error of the same rows; with the same of their values hidden, where the
        network is trained to rebuild hidden values.
    objective_before, objective_after : float
        What training lowers, of these rows, with the energy and the covariance penalty at their
        full weights.
    rank_correlation : float
        Spearman's, between the energies of the untrained and the trained network.
    unmoved_arrays : tuple of str
        Parameters that training left as they were.
    undone : bool
        Whether the trained network overflowed and the untrained one took its place.
    is_linear : bool
        Whether the network kept the principal components, where it began, as no training rebuilt
        rows that it was not fitted to better.
    dropped_steps : int
        Steps left out because loss or gradient was not finite.
    empty_components, n_components : int
        Of the estimation network.
    relations : Relations or None
        None of one column, and where it is not known.
    """

    reconstruction_before: float
    reconstruction_after: float
    objective_before: float
    objective_after: float
    rank_correlation: float
    unmoved_arrays: tuple[str, ...]
    undone: bool
    is_linear: bool
    dropped_steps: int
    empty_components: int
    n_components: int
    relations: Relations | None = None

    @classmethod
    def read(cls, field: JsonField) -> "Diagnostics":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))
        return cls(
            reconstruction_before=parts["reconstruction_before"].number(),
            reconstruction_after=parts["reconstruction_after"].number(),
            objective_before=parts["objective_before"].number(),
            objective_after=parts["objective_after"].number(),
            rank_correlation=parts["rank_correlation"].number(),
            unmoved_arrays=parts["unmoved_arrays"].texts(MOST_PARTS),
            undone=parts["undone"].flag(),
            is_linear=parts["is_linear"].flag(),
            dropped_steps=parts["dropped_steps"].whole(),
            empty_components=parts["empty_components"].whole(),
            n_components=parts["n_components"].whole(),
            relations=None
            if parts["relations"].value is None
            else Relations.read(parts["relations"]),
        )
