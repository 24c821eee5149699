"""The whole network of one member, and the few numbers that say how to build it."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, UInt32

from dagmm._core.numerics import Array
from dagmm._core.trees import leaves_of, static, tree, with_leaves
from dagmm.networks.activations import Activation
from dagmm.networks.compression import Compression, DenseCompression
from dagmm.networks.convolutional import ConvCompression
from dagmm.networks.dense import Initializer, blank, glorot
from dagmm.networks.estimation import Estimation
from dagmm.networks.residual import RESIDUALS


@tree
class Network:
    """Compression and estimation network of one member; rows lie along the last axis.

    Dense networks of one architecture may be stacked along leading axes, and see the same rows or
    each its own.
    """

    compression: Compression
    estimation: Estimation
    residuals: tuple[str, ...] = static()

    def rebuilt(
        self, x: Float[Array, "... n_features n_rows"]
    ) -> tuple[Float[Array, "... n_code n_rows"], Float[Array, "... n_features n_rows"]]:
        """Return the code z_c and the reconstruction x_hat of each row."""
        code = self.compression.encode(x)
        return code, self.compression.decode(code)

    def latent(
        self, x: Float[Array, "... n_features n_rows"]
    ) -> tuple[Float[Array, "... n_latent n_rows"], Float[Array, "... n_features n_rows"]]:
        """Return z = [z_c, z_r] and the reconstruction x_hat of each row."""
        code, x_hat = self.rebuilt(x)
        return _with_residuals(self.residuals, x, code, x_hat), x_hat

    def gamma(
        self, z: Float[Array, "... n_latent n_rows"], *, seed: UInt32[Array, " 2"] | None = None
    ) -> Float[Array, "... n_components n_rows"]:
        """Return the soft membership of each row; with a seed, under dropout (training)."""
        return self.estimation.gamma(z, seed=seed)


@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shapes and functions of a network.

    Hashable, so that programs compiled for an architecture are found again.

    Parameters
    ----------
    n_features : int
        Width of an encoded row.
    comp_hiddens : tuple of int
        Widths of the encoder's layers, the last of which is the width of the code; with a shape,
        numbers of filters of the convolutions and then the width of the code.
    comp_activation : str or callable
    est_hiddens : tuple of int
        Widths of the estimation network, the last of which is the number of components.
    est_activation : str or callable
    est_dropout_ratio : float
        Share of the estimation network's units left out in training.
    residuals : tuple of str
        Names of the residual features.
    mask_ratio : float
        Share of a row's features that are hidden from the compression network in training, which
        has to rebuild them from the others; 0 in the paper.
    shape : tuple of int
        Of an encoded row: () for a row of a table, which has a dense compression network as in
        the paper; (n_steps, n_columns) for a window and (height, width, channels) for an image,
        which have a convolutional one. ``n_features`` is the product.
    whole_row : bool
        Whether densities see the residual of each feature after the code; they see z otherwise,
        as in the paper, which has one or two numbers for all features. Training sees z.
    has_shortcuts : bool
        Whether linear maps lead past the layers of a dense compression network, which then begins
        at principal components (:mod:`dagmm.training.principal_components`).
    """

    n_features: int
    comp_hiddens: tuple[int, ...]
    comp_activation: Activation
    est_hiddens: tuple[int, ...]
    est_activation: Activation
    est_dropout_ratio: float
    residuals: tuple[str, ...] = ("relative_distance", "cosine_similarity")
    mask_ratio: float = 0.0
    shape: tuple[int, ...] = ()
    whole_row: bool = False
    has_shortcuts: bool = False

    @property
    def n_code(self) -> int:
        """Width of the code."""
        return self.comp_hiddens[-1]

    @property
    def n_latent(self) -> int:
        """Width of z: the code and its residual features."""
        return self.n_code + len(self.residuals)

    @property
    def n_seen(self) -> int:
        """Width of what densities see of a row."""
        return self.n_code + self.n_features if self.whole_row else self.n_latent

    def seen(
        self,
        x: Float[Array, "... n_features n_rows"],
        code: Float[Array, "... n_code n_rows"],
        x_hat: Float[Array, "... n_features n_rows"],
    ) -> Float[Array, "... n_seen n_rows"]:
        """Return what densities see of each row.

        Of a whole row nothing is lost: it is what its code stands for, and the rest.
        """
        if not self.whole_row:
            return _with_residuals(self.residuals, x, code, x_hat)
        return x.__array_namespace__().concatenate([code, x - x_hat], axis=-2)

    @property
    def is_compiled(self) -> bool:
        """Whether JAX computes the network for scoring as well: convolutions, others' functions.

        NumPy does for dense layers with activations that are known.
        """
        activations = (self.comp_activation, self.est_activation)
        return bool(self.shape) or not all(isinstance(one, str) for one in activations)

    @property
    def n_components(self) -> int:
        """Number of components the estimation network distinguishes."""
        return self.est_hiddens[-1]

    def build(self, rng: np.random.Generator) -> Network:
        """Draw a new network."""
        return self._assemble(glorot(rng))

    @cache  # noqa: B019 - one small tree of shapes for each architecture
    def skeleton(self) -> Network:
        """Return the network's shapes; the arrays are zeros that take no memory."""
        return self._assemble(blank)

    def unflatten(self, parameters: Float[Array, "*networks n_parameters"]) -> Network:
        """Rebuild the network from its parameters in one vector; networks stay stacked."""
        sizes = [leaf.size for _, leaf in leaves_of(self.skeleton())]
        ends, networks = np.cumsum(sizes), parameters.shape[:-1]
        parts = (
            parameters[..., end - math.prod(shape) : end].reshape(*networks, *shape)
            for shape, end in zip(self.shapes().values(), ends, strict=True)
        )
        return with_leaves(self.skeleton(), parts)

    def named(self, parameters: Float[Array, " n_parameters"]) -> dict[str, Array]:
        """Split parameters by the path of each array, such as ``compression.encoder.0.weight``."""
        return dict(leaves_of(self.unflatten(parameters)))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array by its path, in the order of the parameters."""
        return {path: leaf.shape for path, leaf in leaves_of(self.skeleton())}

    def _assemble(self, init: Initializer) -> Network:
        return Network(
            compression=self._compression(init),
            estimation=Estimation.drawn(
                self.n_latent,
                self.est_hiddens,
                self.est_activation,
                self.est_dropout_ratio,
                init=init,
            ),
            residuals=self.residuals,
        )

    def _compression(self, init: Initializer) -> Compression:
        if self.shape:
            return ConvCompression.drawn(
                self.shape, self.comp_hiddens, self.comp_activation, init=init
            )
        return DenseCompression.drawn(
            self.n_features,
            self.comp_hiddens,
            self.comp_activation,
            has_shortcuts=self.has_shortcuts,
            init=init,
        )


def flatten(network: Network) -> Float[Array, " n_parameters"]:
    """All parameters of a network in one vector, in the order of its tree."""
    leaves = [leaf for _, leaf in leaves_of(network)]
    return leaves[0].__array_namespace__().concatenate([leaf.ravel() for leaf in leaves])


def _with_residuals(
    residuals: tuple[str, ...],
    x: Float[Array, "... n_features n_rows"],
    code: Float[Array, "... n_code n_rows"],
    x_hat: Float[Array, "... n_features n_rows"],
) -> Float[Array, "... n_latent n_rows"]:
    """Return z = [z_c, z_r]."""
    features = [RESIDUALS[name](x, x_hat)[..., None, :] for name in residuals]
    return x.__array_namespace__().concatenate([code, *features], axis=-2)
