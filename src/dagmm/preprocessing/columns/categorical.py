"""Text columns: one feature for each category and one for all other texts."""

import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int

from dagmm._core.errors import InputError, TableWarning
from dagmm._core.numerics import AnyArray
from dagmm.data.base import Chunk
from dagmm.preprocessing.columns.numeric import Scaling

#: Categories of a text column that get a feature of their own, the most frequent first.
MAX_CATEGORIES = 256
#: Rows from which on texts that are all different identify rows.
LEAST_IDENTIFIED = 20
#: Different texts that are counted; a column with more of them holds no categories.
_MOST_COUNTED = 2**20
#: What is said of texts that look alike.
_ALIKE = (
    "they differ in spaces or the form of letters alone. Write them alike if they mean the same."
)


@dataclass(frozen=True)
class TextColumn:
    """A text column as one feature for each category and one for all other texts.

    A category that was not among the training rows counts as other; a hole is none of them and
    gets zeros, the mean of the training rows.

    Parameters
    ----------
    name : str
    categories : tuple of str
    centre : ndarray of shape (n_categories + 1,)
    is_told : bool
        Whether the user said that the column holds categories: then numbers are read as text.
    """

    name: str
    categories: tuple[str, ...]
    centre: np.ndarray
    is_told: bool = False

    @property
    def n_features(self) -> int:
        """Number of encoded features."""
        return len(self.categories) + 1

    @property
    def other(self) -> Float64[np.ndarray, " n_features"]:
        """Features of a text that is none of the categories."""
        return np.eye(self.n_features)[-1] - self.centre

    @property
    def codes(self) -> dict[str, int]:
        """Number of each category; the next one is that of other texts, the last that of holes."""
        return {category: i for i, category in enumerate(self.categories)}

    def encode(
        self, chunk: Chunk
    ) -> tuple[Float64[np.ndarray, "n_rows n_features"], Bool[np.ndarray, " n_rows"]]:
        """One-hot features of a chunk, zero in holes, and which rows are holes.

        Raises
        ------
        InputError
            If the column holds numbers.
        """
        texts = chunk.text(self.name)
        if not self.is_told and texts.null_count < len(texts):
            _check_is_text(chunk, self.name)
        encoded, position, other = texts.dictionary_encode(), self.codes, len(self.categories)
        found = encoded.dictionary.to_pylist()
        codes = np.array([position.get(text, other) for text in found] + [other + 1])
        self._warn_of_others([text for text in found if text not in position])
        index = encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
        code = codes[index]
        return self.features_of(code), code == self.n_features

    @cached_property
    def _by_look(self) -> dict[str, str]:
        return {_look_of(category): category for category in reversed(self.categories)}

    def _warn_of_others(self, others: Iterable[str]) -> None:
        """Warn of texts that are no category, but look like one."""
        for text in others:
            alike = self._by_look.get(_look_of(text))
            if alike is not None:
                warnings.warn(
                    f"column {self.name!r} holds {text!r}, which none of the training rows had, "
                    f"and is taken for another category than {alike!r}: {_ALIKE}",
                    TableWarning,
                    stacklevel=4,
                )

    def features_of(
        self, code: Int[AnyArray, " n_rows"]
    ) -> Float64[AnyArray, "n_rows n_features"]:
        """One-hot features of numbered categories, as :attr:`codes` has them; zero in holes."""
        features = np.vstack([np.eye(self.n_features) - self.centre, np.zeros(self.n_features)])
        return code.__array_namespace__().take(features, code, axis=0)

    def decode(self, features: Float64[np.ndarray, "n_rows n_features"]) -> np.ndarray:
        """Return the category each row's features come nearest to; None for other texts."""
        texts = np.array([*self.categories, None], dtype=object)
        return texts[np.argmax(features + self.centre, axis=1)]


def _check_is_text(chunk: Chunk, name: str) -> None:
    if not chunk.holds_text(name):
        held = "dates" if chunk.kind(name) == "date" else "numbers"
        raise InputError(f"column {name!r} holds {held}, this model was fitted on text there.")


@dataclass
class TextCounts:
    """How often each text of a column occurs; mergeable by addition.

    Parameters
    ----------
    counts : Counter of str
    present : int
        Number of values that are no holes.
    """

    counts: Counter[str]
    present: int = 0

    @classmethod
    def of(cls, texts: pa.Array) -> "TextCounts":
        """Count some rows."""
        return cls(Counter(_value_counts(texts)), len(texts) - texts.null_count)

    def merge(self, later: "TextCounts") -> None:
        """Count the rows that follow."""
        self.present += later.present
        if len(self.counts) <= _MOST_COUNTED:
            self.counts.update(later.counts)

    @property
    def identifies_rows(self) -> bool:
        """Whether the texts tell rows apart rather than put them into categories."""
        different = len(self.counts)
        return (
            different > _MOST_COUNTED
            or (different > MAX_CATEGORIES and 2 * different > self.present)
            or self.is_all_different
        )

    @property
    def is_all_different(self) -> bool:
        """Whether there are as many texts as rows that have one, and enough of them to tell."""
        return len(self.counts) == self.present >= LEAST_IDENTIFIED

    def doubt(self, name: str) -> str | None:
        """Say of a column with such texts which two look like one, if there are any."""
        known: dict[str, str] = {}
        for text in sorted(self.counts, key=lambda text: (-self.counts[text], text)):
            other = known.setdefault(_look_of(text), text)
            if other != text:
                return (
                    f"column {name!r} holds {other!r} and {text!r}, which are taken for two "
                    f"categories: {_ALIKE}"
                )
        return None

    @property
    def identifying(self) -> str:
        """That texts identify rows, in words."""
        return f"{self.held}, which identifies rows rather than describing them"

    @property
    def held(self) -> str:
        """How many texts there are, in words."""
        return f"it holds {len(self.counts)} different texts in {self.present} rows"

    @property
    def in_words(self) -> str:
        """What is wrong with texts that identify rows."""
        held = self.held
        others = [text for text in self.counts if not _is_number(text)]
        if not others:
            return f"{held}, all of them numbers that are written as text"
        if 2 * len(others) < len(self.counts):
            return f"{held}; most are numbers, but {min(others)!r} is none"
        return self.identifying


def text_column(
    name: str, seen: TextCounts, scaling: Scaling, is_told: bool, is_category: bool = False
) -> TextColumn:
    """Return how a column with these texts is encoded.

    Parameters
    ----------
    name : str
    seen : TextCounts
    scaling : {"standard", "minmax", "none"}
    is_told, is_category : bool
        Whether the user, or the column's type, says that it holds categories.

    Raises
    ------
    InputError
        If it is said to hold categories, and there are as many as rows.
    """
    if (is_told or is_category) and (seen.is_all_different or len(seen.counts) > _MOST_COUNTED):
        raise InputError(
            f"column {name!r} is said to hold categories, but {seen.identifying}; "
            "leave it out of the fit."
        )
    # Ties are broken by the text, so that the order of rows does not matter.
    counts = seen.counts
    ranked = sorted(counts, key=lambda text: (-counts[text], text))[:MAX_CATEGORIES]
    centre = np.zeros(len(ranked) + 1)
    if scaling == "standard":
        centre[:-1] = [counts[text] / seen.present for text in ranked]
        centre[-1] = 1.0 - centre[:-1].sum()
    return TextColumn(name, tuple(ranked), centre, is_told)


def _look_of(text: str) -> str:
    """Return a text with letters of one form (full width, say) and no spaces around."""
    return unicodedata.normalize("NFKC", text).strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _value_counts(texts: pa.Array) -> dict[str, int]:
    return {
        str(item["values"]): int(item["counts"].as_py())
        for item in texts.drop_null().value_counts()
    }
