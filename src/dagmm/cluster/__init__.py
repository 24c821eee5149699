"""Fitting and scoring tables on the engines that hold them: Spark, Dask and Ray."""

from typing import TYPE_CHECKING, Any

from dagmm._core.lazy_imports import load

if TYPE_CHECKING:
    from dagmm.cluster.fitting import fit as fit

__all__ = ["fit"]


def __getattr__(name: str) -> Any:
    if name == "fit":  # workers do without what only a fit needs
        return load("dagmm.cluster.fitting").fit
    raise AttributeError(f"module 'dagmm.cluster' has no attribute {name!r}")
