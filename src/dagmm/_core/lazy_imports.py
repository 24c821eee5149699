"""Loading the library's modules, and what they import, in less time, or not at all."""

import gc
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from dagmm._core.errors import MissingExtraError

#: What an installation that only scores does without: requirements/score.txt.
OF_TRAINING = ("jax", "optax")


def load(module: str) -> ModuleType:
    """Import a module without looking for garbage on the way.

    JAX, pandas and scikit-learn make half a million objects that stay; the collector would look
    through them again and again, for a fifth of the time that they take to import. It goes on
    afterwards, and takes them for old objects, which it seldom looks at.

    Raises
    ------
    MissingExtraError
        If the module trains, and this installation only scores.
    """
    if not gc.isenabled():
        return _imported(module)
    gc.disable()
    try:
        return _imported(module)
    finally:
        gc.enable()
        if gc.get_freeze_count() == 0:  # else somebody froze objects, which are to stay so
            gc.freeze()
            gc.unfreeze()


def _imported(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name in OF_TRAINING:
            check_jax(module)
        raise


def check_jax(what: str) -> None:
    """Check that JAX is there, which an installation that only scores does without.

    Parameters
    ----------
    what : str
        Needs it; begins the message.

    Raises
    ------
    MissingExtraError
    """
    if any(find_spec(name) is None for name in OF_TRAINING):
        raise MissingExtraError(
            f"{what} needs JAX, and this installation is one that only scores: pip install "
            f"{' '.join(OF_TRAINING)}."
        )
