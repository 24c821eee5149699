"""Runs the package under its own shape annotations, and JAX as strictly as it can be."""

import os
import shutil
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compiled programs of this run, shared with the processes that tests start.
os.environ["DAGMM_CACHE_DIR"] = tempfile.mkdtemp(prefix="dagmm-tests-")

import jax
from jaxtyping import install_import_hook

# Every annotated shape inside the package is checked while its tests run. The estimators and
# the command are doors: they take anything, and answer with an error of their own.
install_import_hook(
    [
        "dagmm._core",
        "dagmm.data",
        "dagmm.preprocessing",
        "dagmm.networks",
        "dagmm.mixture",
        "dagmm.inference",
        "dagmm.training",
        "dagmm.evaluation",
        "dagmm.report",
    ],
    "beartype.beartype",
)

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["DAGMM_CACHE_DIR"])
