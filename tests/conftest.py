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
        "dagmm.baselines",
        "dagmm.comparison.measures",
        "dagmm.comparison.shapes",
        "dagmm.comparison.split",
        "dagmm.calibration",
        "dagmm.encoder",
        "dagmm.drawing",
        "dagmm.energy_sample",
        "dagmm.exact_pass",
        "dagmm.explain",
        "dagmm.explain_images",
        "dagmm.finishing",
        "dagmm.fitted",
        "dagmm.fitting",
        "dagmm.health",
        "dagmm.history",
        "dagmm.holdout",
        "dagmm.mixture",
        "dagmm.nearest",
        "dagmm.networks",
        "dagmm.numerics",
        "dagmm.objective",
        "dagmm.plots.energies",
        "dagmm.plots.latent",
        "dagmm.plots.scale",
        "dagmm.reading",
        "dagmm.recipe",
        "dagmm.refinement",
        "dagmm.report.alarms",
        "dagmm.report.buckets",
        "dagmm.report.columns",
        "dagmm.report.drift",
        "dagmm.report.events",
        "dagmm.report.gathering",
        "dagmm.report.labelled",
        "dagmm.report.timing",
        "dagmm.rows",
        "dagmm.saving",
        "dagmm.saved_calibration",
        "dagmm.saved_images",
        "dagmm.saved_windows",
        "dagmm.schema",
        "dagmm.scoring",
        "dagmm.tail",
        "dagmm.threshold",
        "dagmm.traced",
        "dagmm.training",
        "dagmm.streaming",
        "dagmm.typical",
        "dagmm.window_fitting",
        "dagmm.windows",
    ],
    "beartype.beartype",
)

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["DAGMM_CACHE_DIR"])
