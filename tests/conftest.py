"""Runs the package under its own shape annotations, and JAX as strictly as it can be."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from jaxtyping import install_import_hook

# Every annotated shape inside the package is checked while its tests run.
install_import_hook("dagmm", "beartype.beartype")

jax.config.update("jax_numpy_rank_promotion", "raise")
