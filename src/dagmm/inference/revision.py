"""Which version of a model this is, what it is called, and what made it of the one before."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from dagmm._core.errors import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm._core.wording import named

#: Most tags, and most characters of a name, a tag's name or its value.
_MOST_TAGS, _MOST_CHARACTERS = 100, 250


@dataclass(frozen=True)
class Revision:
    """A version of a model.

    Parameters
    ----------
    version : int
        1 for a model as it was fitted; each update adds one.
    updated_at : str or None
        When the last update was made, ISO 8601 in UTC; None for a model as it was fitted.
    updated_rows : int or None
        New rows of that update.
    reference_rows : int or None
        Of them, those that the usual values of columns are of.
    weight : float or None
        Rows that mixtures stand for, old ones by what they still count; None for those of the
        fit.
    name : str or None
        What the model is called.
    tags : mapping of str to str
    """

    version: int = 1
    updated_at: str | None = None
    updated_rows: int | None = None
    reference_rows: int | None = None
    weight: float | None = None
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def called(self, name: object = None, tags: object = None) -> "Revision":
        """Return the same with another name, and with these tags beside those it has.

        Raises
        ------
        ArgumentError
            If they are no texts, or too long or too many.
        """
        own = dict(self.tags)
        for key, value in _pairs(tags):
            own[_checked("tags", key)] = _checked("tags", value)
        if len(own) > _MOST_TAGS:
            raise ArgumentError(
                f"{named('tags')} must be at most {_MOST_TAGS} in all, got {len(own)}."
            )
        called = self.name if name is None else _checked("name", name)
        return replace(self, name=called, tags=own)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def read(cls, plain: JsonField) -> "Revision":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, plain.fields(*names), strict=True))

        def optional(name: str, read: Any) -> Any:
            return None if parts[name].value is None else read(parts[name])

        tags = parts["tags"]
        if not isinstance(tags.value, dict) or len(tags.value) > _MOST_TAGS:
            tags.fail(f"an object of at most {_MOST_TAGS} texts")
        return cls(
            version=parts["version"].size(2**62),
            updated_at=optional("updated_at", JsonField.text),
            updated_rows=optional("updated_rows", JsonField.whole),
            reference_rows=optional("reference_rows", JsonField.whole),
            weight=optional("weight", _positive),
            name=optional("name", JsonField.text),
            tags={
                key: JsonField(value, f"{tags.path}.{key}").text()
                for key, value in tags.value.items()
            },
        )


#: That of a model as it was fitted.
FIRST = Revision()


def _positive(weight: JsonField) -> float:
    if weight.number() <= 0.0:
        weight.fail("above 0")
    return weight.number()


def _pairs(tags: object) -> list[tuple[object, object]]:
    if tags is None:
        return []
    if not isinstance(tags, Mapping):
        raise ArgumentError(
            f"{named('tags')} must be a dict of texts such as {{'line': '3'}}, got {tags!r}."
        )
    return list(tags.items())


def _checked(argument: str, text: object) -> str:
    if isinstance(text, str) and 0 < len(text) <= _MOST_CHARACTERS and text.isprintable():
        return text
    raise ArgumentError(
        f"{named(argument)} must be texts of 1 to {_MOST_CHARACTERS} printable characters, got "
        f"{text!r}."
    )
