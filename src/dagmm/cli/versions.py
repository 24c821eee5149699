"""What a report of a bug has to say about where it was seen."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from dagmm._version import __version__

__all__ = ["version_lines"]

#: What a dependency brings, and what matters as much as itself.
_BROUGHT = {"jax": ("jaxlib",)}


def version_lines() -> Iterator[str]:
    """Versions of the library, of Python and of what the library depends on.

    The first line is for scripts: the name and the version, and nothing else.

    Yields
    ------
    str
        A line.
    """
    yield f"dagmm {__version__}"
    yield (
        f"Python {platform.python_version()} ({platform.python_implementation()}, "
        f"{sys.maxsize.bit_length() + 1} bits), {platform.platform()}"
    )
    found = {name: _version_of(name) for name in _dependencies()}
    yield from (f"{name} {version}" for name, version in found.items() if version is not None)
    missing = [name for name, version in found.items() if version is None]
    if missing:
        yield f"not installed: {', '.join(missing)}"


def _dependencies() -> Iterator[str]:
    """Names that the installed package gives, with those of its extras, in its order."""
    try:
        requirements = metadata.requires("dagmm") or []
    except metadata.PackageNotFoundError:  # from a folder of sources
        requirements = []
    for requirement in requirements:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        yield name
        yield from _BROUGHT.get(name, ())


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
