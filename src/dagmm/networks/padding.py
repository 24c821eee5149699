"""Networks of many widths in the programs of a few: padded on the way in, cut on the way out.

A program is compiled for the shapes of its arrays, which takes seconds. Tables differ in how many
features they have, and narrow ones in the width of their code: inside the programs both are
padded to one of a few widths, with zeros. A feature of padding is 0 in each row and rebuilt as 0,
a coordinate of the code that is padding is 0 as well, and no gradient reaches their weights: they
stay at exactly 0. Everything outside the programs (models, files, checkpoints) has true shapes.

Padding comes first along each axis, because z = [code, residual features]: what is true is then
the last part of every axis.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int

from dagmm._core.numerics import Array, aligned_zeros
from dagmm.networks.network import Architecture


@dataclass(frozen=True)
class Padding:
    """How the arrays of a network lie in those of a program.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    wide : Architecture
        Of the program: the same one where nothing is padded.
    """

    architecture: Architecture
    wide: Architecture

    @cached_property
    def blank(self) -> Float32[np.ndarray, " wide_latent"]:
        """1 for each coordinate of the program's z that is padding, 0 for the others."""
        n_padding = self.wide.n_latent - self.architecture.n_latent
        return (np.arange(self.wide.n_latent) < n_padding).astype(np.float32)

    def pad(self, parameters: Float[Array, " n_parameters"]) -> Float[Array, " n_wide"]:
        """Put parameters, or something for each of them, among zeros."""
        if self.wide == self.architecture:
            return parameters
        places, n_wide = self._places
        padded = np.zeros(n_wide, parameters.dtype)
        padded[places] = parameters
        return padded

    def cut(self, parameters: Float[Array, " n_wide"]) -> Float[Array, " n_parameters"]:
        """Undo :meth:`pad`."""
        if self.wide == self.architecture:
            return parameters
        return np.asarray(parameters)[self._places[0]]

    def pad_rows(
        self, rows: Float32[np.ndarray, "n_rows n_features"], n_rows: int
    ) -> Float32[np.ndarray, "more_rows wide_features"]:
        """Put rows among zeros: with features of padding, and up to a number of rows."""
        if rows.shape == (n_rows, self.wide.n_features):
            return rows
        padded = aligned_zeros(n_rows, self.wide.n_features)
        padded[: len(rows), -rows.shape[1] :] = rows
        return padded

    def pad_cov(self, cov: Float[Array, "n d d"]) -> Float[Array, "n wide wide"]:
        """Put covariances among zeros."""
        before = (self.wide.n_latent - self.architecture.n_latent, 0)
        return np.pad(cov, ((0, 0), before, before))

    def cut_cov(self, cov: Float[Array, "*n wide wide"]) -> Float[Array, "*n d d"]:
        """Undo :meth:`pad_cov`."""
        true = slice(self.wide.n_latent - self.architecture.n_latent, None)
        # What is written to a file must not be a view of something larger.
        return np.ascontiguousarray(np.asarray(cov)[..., true, true])

    @cached_property
    def _places(self) -> tuple[Int[np.ndarray, " n_parameters"], int]:
        """Place of each parameter among those of the program, and how many these are."""
        places, start = [], 0
        shapes = zip(self.architecture.shapes().values(), self.wide.shapes().values(), strict=True)
        for true, wide in shapes:
            block = np.arange(start, start + math.prod(wide)).reshape(wide)
            last = tuple(slice(w - t, None) for t, w in zip(true, wide, strict=True))
            places.append(block[last].ravel())
            start += block.size
        return np.concatenate(places), start


@lru_cache(maxsize=64)
def padding_of(architecture: Architecture) -> Padding:
    """Return how a network is padded, so that networks of other widths share its programs.

    A code as wide as the row or narrower by one, as narrow tables have it, is padded with the row;
    any other was chosen. Convolutions are not padded, nor is an estimation network by itself.
    """
    if architecture.shape or not architecture.comp_hiddens:
        return unpadded(architecture)
    n_features, n_code = padded_width(architecture.n_features), architecture.n_code
    if n_code >= architecture.n_features - 1:
        n_code += n_features - architecture.n_features
    wide = replace(
        architecture,
        n_features=n_features,
        comp_hiddens=(*architecture.comp_hiddens[:-1], n_code),
    )
    return Padding(architecture, wide)


def unpadded(architecture: Architecture) -> Padding:
    """Return the padding that adds nothing."""
    return Padding(architecture, architecture)


def padded_width(width: int) -> int:
    """Return the next of 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, ...

    Two widths to each doubling, and four where a step takes as much longer as its rows are wider.
    """
    per_doubling = 2 if width <= 64 else 4
    step = max(2, (1 << (width - 1).bit_length()) // (2 * per_doubling))
    return -(-width // step) * step
