"""Constructor arguments as a saved model holds them: plain data, checked when it comes back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dagmm._core.errors import ArgumentError
from dagmm.networks.activations import activation_name, resolve_activation


def plain_argument(name: str, value: object) -> Any:
    """Return an argument as JSON can hold it."""
    if callable(value):
        return activation_name(name, resolve_activation(name, value))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_argument(name, item) for item in value]
    if isinstance(value, Mapping) and name.startswith("config"):
        return {str(key): plain_argument(f"{name}[{key!r}]", item) for key, item in value.items()}
    if _is_value(value):
        return value
    raise ArgumentError(f"{name} is {value!r}, which cannot be saved; pass a number or None.")


def _is_dict(value: object) -> bool:
    """Whether a value is a dict as :func:`plain_argument` makes it."""
    return isinstance(value, dict) and all(
        isinstance(key, str) and (_is_value(item) or _is_dict(item)) for key, item in value.items()
    )


def _is_value(value: object) -> bool:
    """Whether a value is one that an argument can be saved as."""
    if isinstance(value, list):
        return all(_is_value(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | bool | int)


def is_plain_argument(name: str, value: object) -> bool:
    """Whether an argument is as :func:`plain_argument` makes it."""
    return _is_value(value) or (name == "config" and _is_dict(value))
