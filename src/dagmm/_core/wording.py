"""How messages call an argument: by its name in Python, by its option in the command.

What raises or warns does not know who asked. The command says which of its options stands for
which argument while it runs; everywhere else arguments are called by their names.
"""

import contextlib
from collections.abc import Iterator, Mapping

# Not a context variable: messages also come from threads, which have contexts of their own.
_options: Mapping[str, str] = {}


@contextlib.contextmanager
def options_named(options: Mapping[str, str]) -> Iterator[None]:
    """Call arguments by options.

    Parameters
    ----------
    options : mapping of str to str
        Arguments and the options that stand for them, such as ``{"window": "--window"}``; other
        arguments keep their names.
    """
    global _options
    before, _options = _options, options
    try:
        yield
    finally:
        _options = before


def named(argument: str) -> str:
    """Return what a message calls an argument: ``window``, or ``--window``."""
    return _options.get(argument, argument)


def is_option(argument: str) -> bool:
    """Whether an argument is an option of the command that runs."""
    return argument in _options


def given(argument: str, value: object) -> str:
    """Return how an argument is given: ``drop=['a']``, or ``--drop 'a'``."""
    if argument not in _options:
        return f"{argument}={value!r}"
    values = value if isinstance(value, list | tuple) else [value]
    return " ".join(f"{_options[argument]} {one!r}" for one in values)
