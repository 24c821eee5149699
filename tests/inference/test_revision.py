import re

import pytest

from dagmm import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm.inference.revision import FIRST, Revision


def test_names_take_the_place_of_names_and_tags_stand_beside_tags():
    one = FIRST.called("pump", {"line": "3", "site": "福岡"})
    two = one.called(None, {"line": "4"})
    assert (two.name, two.tags) == ("pump", {"line": "4", "site": "福岡"})
    assert two.called("fan").name == "fan"
    assert (FIRST.name, FIRST.tags) == (None, {})
    assert two.version == 1


def test_plain_data_come_back():
    revision = Revision(3, "2026-11-28T12:00:00+00:00", 500, 400, 1500.0, "pump", {"line": "3"})
    assert Revision.read(JsonField(revision.plain(), "revision")) == revision
    assert Revision.read(JsonField(FIRST.plain(), "revision")).plain() == FIRST.plain()


@pytest.mark.parametrize(
    ("name", "tags", "message"),
    [
        ("", None, "name must be texts of 1 to 250 printable characters, got ''."),
        ("a\nb", None, "name must be texts of 1 to 250 printable characters, got 'a\\nb'."),
        (3, None, "name must be texts of 1 to 250 printable characters, got 3."),
        (None, {"a": 3}, "tags must be texts of 1 to 250 printable characters, got 3."),
        (None, ["a"], "tags must be a dict of texts such as {'line': '3'}, got ['a']."),
        (None, {str(i): "x" for i in range(101)}, "tags must be at most 100 in all, got 101."),
    ],
)
def test_names_and_tags_that_are_none_are_refused(name, tags, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        FIRST.called(name, tags)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("version", 0, "revision.version must be from 1 to 4611686018427387904, got 0"),
        ("tags", ["a"], "revision.tags must be an object of at most 100 texts, got ['a']"),
        ("tags", {"a": 1}, "revision.tags.a must be a string, got 1"),
        ("weight", -1.0, "revision.weight must be above 0, got -1.0"),
        ("updated_rows", "5", "revision.updated_rows must be a whole number, got '5'"),
        ("name", 5, "revision.name must be a string, got 5"),
    ],
)
def test_what_a_manifest_cannot_say_is_refused(field, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Revision.read(JsonField(FIRST.plain() | {field: value}, "revision"))
