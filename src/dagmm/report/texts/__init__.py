"""The page's texts, one catalogue for each language."""

import tomllib
from functools import cache
from importlib.resources import files

from dagmm._core.arguments import check_choice

LANGUAGES = ("en", "ja")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return the texts of a language by their keys.

    Raises
    ------
    ArgumentError
        If there is no such language.
    """
    check_choice("lang", language, LANGUAGES)
    text = (files(__package__) / f"{language}.toml").read_text("utf-8")
    return {key: str(value) for key, value in tomllib.loads(text).items()}
