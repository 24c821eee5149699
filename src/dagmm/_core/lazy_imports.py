"""Loading the library's modules, and what they import, in less time."""

import gc
from importlib import import_module
from types import ModuleType


def load(module: str) -> ModuleType:
    """Import a module without looking for garbage on the way.

    JAX, pandas and scikit-learn make half a million objects that stay; the collector would look
    through them again and again, for a fifth of the time that they take to import. It goes on
    afterwards, and takes them for old objects, which it seldom looks at.
    """
    if not gc.isenabled():
        return import_module(module)
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.enable()
        if gc.get_freeze_count() == 0:  # else somebody froze objects, which are to stay so
            gc.freeze()
            gc.unfreeze()
