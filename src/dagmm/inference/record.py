"""What a model remembers of its training, and whether that can be trusted, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from dagmm._core.json_fields import JsonField

#: Most epochs, and most columns of one part, that are read.
_MOST_EPOCHS, _MOST_COLUMNS = 2**24, 2**20
#: What can stand between groups of three digits.
_THOUSANDS = (",", ".", " ", "'")


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
            unmoved_arrays=parts["unmoved_arrays"].texts(_MOST_COLUMNS),
            undone=parts["undone"].flag(),
            is_linear=parts["is_linear"].flag(),
            dropped_steps=parts["dropped_steps"].whole(),
            empty_components=parts["empty_components"].whole(),
            n_components=parts["n_components"].whole(),
            relations=None
            if parts["relations"].value is None
            else Relations.read(parts["relations"]),
        )


@dataclass(frozen=True)
class InputRoles:
    """Which columns of a file were what, for whoever scores such a file.

    Parameters
    ----------
    ids, normal, drop : tuple of str
        Identifiers, values of the label that mean normal, columns that were left out.
    label, time, group : str or None
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    normal: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None

    @classmethod
    def read(cls, field: JsonField) -> "InputRoles":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))
        several = {name: parts[name].texts(_MOST_COLUMNS) for name in ("ids", "normal", "drop")}
        one = {
            name: None if parts[name].value is None else parts[name].text()
            for name in ("label", "time", "group")
        }
        return cls(**several, **one)  # type: ignore[arg-type]


@dataclass(frozen=True)
class InputReading:
    """How a file is written, as far as somebody said so; the rest is found out for each file.

    Parameters
    ----------
    skip_rows : int or None
        Lines before the header.
    units_row : bool or None
        Whether the row below the header holds units.
    na : tuple of str
        Texts that stand for holes.
    thousands : str or None
        What stands between groups of three digits.
    """

    skip_rows: int | None = None
    units_row: bool | None = None
    na: tuple[str, ...] = ()
    thousands: str | None = None

    @classmethod
    def read(cls, field: JsonField) -> "InputReading":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        skip_rows, units_row, na, thousands = field.fields(*(part.name for part in fields(cls)))
        return cls(
            None if skip_rows.value is None else skip_rows.whole(),
            None if units_row.value is None else units_row.flag(),
            na.texts(_MOST_COLUMNS),
            None if thousands.value is None else thousands.choice(_THOUSANDS),
        )


@dataclass(frozen=True)
class TrainingRecord:
    """What a model remembers of its training.

    Parameters
    ----------
    n_rows : int
        Training rows.
    held_out_rows : int
        Those among them that nothing was fitted to.
    fingerprint : str
        SHA-256 of the columns' names and the encoded training rows.
    histories : tuple of dict of str to list
        One for each network, one entry an epoch; see :class:`dagmm.training.history.History`.
    diagnostics : tuple of Diagnostics
        One for each network.
    drawn_rows : int or None
        Rows that networks were trained on, where the table was too large to be held.
    n_windows : int or None
        Windows of a model of windows.
    roles : InputRoles or None
        Of the file, where it was a command that fitted one.
    reading : InputReading or None
        How that file is written, where the command was told.
    advised_window : int or None
        Rows that a window would have, where rows were fitted by themselves and depend on each
        other so much that windows say more.
    """

    n_rows: int
    held_out_rows: int
    fingerprint: str
    histories: tuple[Mapping[str, list[Any]], ...]
    diagnostics: tuple[Diagnostics, ...]
    drawn_rows: int | None = None
    n_windows: int | None = None
    roles: InputRoles | None = None
    reading: InputReading | None = None
    advised_window: int | None = None

    @property
    def verdict(self) -> list[str]:
        """How the training went, in words, the good and the bad."""
        return verdict_of(self.diagnostics)

    @property
    def said_reading(self) -> dict[str, Any]:
        """How the file is written, as far as anything was said."""
        said = asdict(self.reading or InputReading())
        return {name: value for name, value in said.items() if value not in (None, ())}

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return asdict(self)

    @classmethod
    def read(cls, field: JsonField, n_networks: int) -> "TrainingRecord":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))
        histories, diagnostics = (
            parts[name].items(n_networks, least=n_networks)
            for name in ("histories", "diagnostics")
        )
        optional = {
            name: None if parts[name].value is None else parts[name].whole()
            for name in ("drawn_rows", "n_windows", "advised_window")
        }
        roles, reading = parts["roles"], parts["reading"]
        return cls(
            parts["n_rows"].whole(),
            parts["held_out_rows"].whole(),
            parts["fingerprint"].text(),
            tuple(_history(history) for history in histories),
            tuple(Diagnostics.read(one) for one in diagnostics),
            **optional,
            roles=None if roles.value is None else InputRoles.read(roles),
            reading=None if reading.value is None else InputReading.read(reading),
        )


def _history(field: JsonField) -> dict[str, list[Any]]:
    """Check what a manifest says of a training's epochs."""
    if not isinstance(field.value, dict):
        field.fail("an object")
    for name, values in field.value.items():
        for value in JsonField(values, f"{field.path}.{name}").items(_MOST_EPOCHS):
            numbers = value.items(_MOST_COLUMNS) if isinstance(value.value, list) else [value]
            for number in numbers:
                if number.value is not None:
                    number.number()
    return dict(field.value)


class Finding(NamedTuple):
    """One thing that a training shows.

    Parameters
    ----------
    kind : str
        A key of the sentences below.
    facts : dict
        What the sentence names.
    """

    kind: str
    facts: dict[str, Any]

    @property
    def mood(self) -> str:
        """``"good"``, ``"plain"`` for what does no harm, or ``"look"``."""
        if self.kind in ("trained", "trained_objective"):
            return "good"
        plain = ("unrelated", "all_linear", "linear", "empty", "empty_one", "dropped_one")
        return "plain" if self.kind in plain else "look"


_SENTENCES = {
    "undone": "training was undone for member {members}: the trained network overflows on its own "
    "rows, and the untrained one took its place; lower the learning rate",
    "trained": "the networks learnt: reconstruction error fell from {before:.3g} to {after:.3g}, "
    "and energies have a rank correlation of {correlation:.2f} with those before training",
    "trained_objective": "the networks learnt: the objective fell from {high:.3g} to {low:.3g} "
    "while reconstruction error went from {before:.3g} to {after:.3g}, and energies have a rank "
    "correlation of {correlation:.2f} with those before training",
    "same_order": "training changed next to nothing about which rows are strange: energies have a "
    "rank correlation of {correlation:.3f} with those before it, though reconstruction error went "
    "from {before:.3g} to {after:.3g}; train longer or with a higher learning rate",
    "nothing": "there was nothing to learn: the columns do not vary",
    "unrelated": "the networks found nothing that columns have in common: rows whose columns are "
    "shuffled against each other are rebuilt as well, with a reconstruction error of "
    "{shuffled:.3g} instead of {together:.3g}; what is strange in such rows shows in single "
    "columns",
    "worse": "the networks got worse in training: reconstruction error went from {before:.3g} to "
    "{after:.3g}; lower the learning rate",
    "hardly": "the networks hardly trained: reconstruction error went from {before:.3g} to "
    "{after:.3g}; train longer or with a higher learning rate",
    "all_linear": "all networks keep the principal components of their rows: what training added "
    "to them did not rebuild other rows better; their reconstruction error is {after:.3g}",
    "linear": "{member}the network keeps the principal components of its rows: what training "
    "added to them did not rebuild other rows better",
    "empty": "{member}{n} of {of} components are empty",
    "empty_one": "{member}1 of {of} components is empty",
    "dropped": "{member}{n} steps were dropped because loss or gradient was not finite; a few do "
    "no harm, against many scale the columns or, with DAGMM, lower the learning rate",
    "dropped_one": "{member}1 step was dropped because loss or gradient was not finite, which "
    "does no harm",
    "unmoved": "{member}training did not move {arrays}",
}


def verdict_of(diagnostics: Sequence[Diagnostics]) -> list[str]:
    """Say in words how a training went, the good and the bad.

    Parameters
    ----------
    diagnostics : sequence of Diagnostics
        One for each network.

    Returns
    -------
    list of str
    """
    sentences = []
    for kind, facts in findings_of(diagnostics):
        named = "" if facts.get("member") is None else f"member {facts['member']}: "
        sentences.append(_SENTENCES[kind].format(**facts | {"member": named}))
    return sentences


#: Share of the reconstruction error that must go before networks are said to have learnt.
_LEARNT = 0.2
#: Standard errors, and share of the error of shuffled rows, that rows must be rebuilt better by.
_SURE, _LEAST_GAIN = 3.0, 0.01
#: Rank correlation with energies of the untrained networks from which training changed nothing.
_SAME_ORDER = 0.99


def findings_of(diagnostics: Sequence[Diagnostics]) -> list[Finding]:
    """Return what a training shows; ``member`` is a number, or None where there is only one.

    Parameters
    ----------
    diagnostics : sequence of Diagnostics
        One for each network.
    """

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in diagnostics]))

    before, after = mean("reconstruction_before"), mean("reconstruction_after")
    high, low = mean("objective_before"), mean("objective_after")
    correlation = mean("rank_correlation")
    undone = [str(i) for i, one in enumerate(diagnostics) if one.undone]
    errors = {"before": before, "after": after}
    if undone:
        found = [Finding("undone", {"members": ", ".join(undone)})]
    elif before <= 1e-8:
        found = [Finding("nothing", {})]
    elif all(one.is_linear for one in diagnostics):
        found = [Finding("all_linear", errors)]
    elif correlation > _SAME_ORDER and after < 0.99 * before:
        found = [Finding("same_order", errors | {"correlation": correlation})]
    elif after < (1.0 - _LEARNT) * before:
        found = [Finding("trained", errors | {"correlation": correlation})]
    elif low < high - _LEARNT * before and after <= 1.01 * before:
        lowered = {"high": high, "low": low, "correlation": correlation}
        found = [Finding("trained_objective", errors | lowered)]
    else:
        found = [Finding("worse" if after > 1.01 * before else "hardly", errors)]
    if found[0].kind in ("all_linear", "trained", "trained_objective") and not any(
        one.relations is None or one.relations.are_used for one in diagnostics
    ):
        found = [Finding("unrelated", _mean_relations(diagnostics))]
    quiet = ("all_linear", "nothing", "unrelated")
    said = {"linear"} if found[0].kind in quiet else set()
    for i, one in enumerate(diagnostics):
        member = {"member": i if len(diagnostics) > 1 else None}
        own = [(kind, facts) for kind, facts in _findings_of_one(one) if kind not in said]
        found += [Finding(kind, member | facts) for kind, facts in own]
    return found


def _mean_relations(diagnostics: Sequence[Diagnostics]) -> dict[str, Any]:
    known = [one.relations for one in diagnostics if one.relations is not None]
    return {
        name: float(np.mean([getattr(one, name) for one in known]))
        for name in ("together", "shuffled")
    }


def _findings_of_one(one: Diagnostics) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if one.is_linear:
        found.append(("linear", {}))
    if one.empty_components:
        facts = {"n": one.empty_components, "of": one.n_components}
        found.append(("empty_one" if one.empty_components == 1 else "empty", facts))
    if one.dropped_steps:
        kind = "dropped_one" if one.dropped_steps == 1 else "dropped"
        found.append((kind, {"n": one.dropped_steps}))
    if one.unmoved_arrays and not one.undone:
        found.append(("unmoved", {"arrays": ", ".join(one.unmoved_arrays)}))
    return found
