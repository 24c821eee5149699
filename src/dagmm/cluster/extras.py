"""Engines, which are installed only on demand."""

from importlib import import_module
from typing import Any

from dagmm._core.errors import MissingExtraError


def engine(module: str, extra: str) -> Any:
    """Import a part of an engine.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f'scoring on {extra.capitalize()} needs an extra: pip install "dagmm[{extra}]".'
        ) from error
