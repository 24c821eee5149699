"""The estimation network: which component of the mixture a row belongs to (paper, 3.3)."""

from itertools import pairwise

from jaxtyping import Float, UInt32

from dagmm._core.numerics import Array, softmax
from dagmm._core.trees import static, tree
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.dense import Dense, Initializer, dense_stack


@tree
class Estimation:
    """Fully connected network that ends in a softmax over the components.

    Parameters
    ----------
    layers : tuple of Dense
    activation : str or callable
    dropout_ratio : float
        Share of each hidden layer that is dropped in training. In the reference
        implementation dropout never acts, because ``training=True`` is not passed on; here,
        as in the paper, it does.
    """

    layers: tuple[Dense, ...]
    activation: Activation = static()
    dropout_ratio: float = static()

    @classmethod
    def drawn(
        cls,
        n_latent: int,
        hiddens: tuple[int, ...],
        activation: Activation,
        dropout_ratio: float,
        *,
        init: Initializer,
    ) -> "Estimation":
        """Draw a new network.

        Parameters
        ----------
        n_latent : int
            Width of z.
        hiddens : tuple of int
            Widths of the layers, the last of which is the number of components.
        activation, dropout_ratio
            As the class has them.
        init : callable
            Draws the parameters.
        """
        return cls(dense_stack((n_latent, *hiddens), init=init), activation, dropout_ratio)

    def gamma(
        self, z: Float[Array, "... n_latent n_rows"], *, seed: UInt32[Array, " 2"] | None = None
    ) -> Float[Array, "... n_components n_rows"]:
        """Return the soft membership of each row; with a seed, under dropout (training)."""
        function = activation_function(self.activation)
        for i, (layer, _) in enumerate(pairwise(self.layers)):
            z = function(layer(z))
            if seed is not None and self.dropout_ratio > 0.0:
                z = self._dropped(z, seed, i)
        return softmax(self.layers[-1](z))

    def _dropped(
        self, hidden: Float[Array, "n_units n_rows"], seed: UInt32[Array, " 2"], layer: int
    ) -> Float[Array, "n_units n_rows"]:
        from dagmm.networks.dropout import fold_in, keep_mask  # what only training needs

        stays = keep_mask(fold_in(seed, layer), self.dropout_ratio, hidden.shape)
        kept = hidden / (1.0 - self.dropout_ratio)
        return hidden.__array_namespace__().where(stays, kept, 0.0)
