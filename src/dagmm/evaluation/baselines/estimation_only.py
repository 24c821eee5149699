"""An estimation network alone, on codes that something else made."""

from dataclasses import dataclass

from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm._core.trees import tree
from dagmm.networks.compression import Compression
from dagmm.networks.dense import Initializer
from dagmm.networks.estimation import Estimation
from dagmm.networks.network import Architecture, Network


@tree
class NoCompression(Compression):
    """A row is its own code."""

    def encode(
        self, x: Float[Array, "... n_features n_rows"]
    ) -> Float[Array, "... n_code n_rows"]:
        """Return the row."""
        return x

    def decode(
        self, code: Float[Array, "... n_code n_rows"]
    ) -> Float[Array, "... n_features n_rows"]:
        """Return the code."""
        return code


@dataclass(frozen=True)
class CodeArchitecture(Architecture):
    """A network whose rows are z already: ``n_features`` is the width of z."""

    @property
    def n_code(self) -> int:
        """Width of the code, which is all of z."""
        return self.n_features

    @property
    def n_latent(self) -> int:
        """Width of z."""
        return self.n_features

    @classmethod
    def after(cls, architecture: Architecture) -> "CodeArchitecture":
        """Return the estimation network that follows an architecture's compression network."""
        return cls(
            architecture.n_latent,
            (),
            architecture.comp_activation,
            architecture.est_hiddens,
            architecture.est_activation,
            architecture.est_dropout_ratio,
            residuals=(),
        )

    def _assemble(self, init: Initializer) -> Network:
        return Network(
            compression=NoCompression(),
            estimation=Estimation.drawn(
                self.n_features,
                self.est_hiddens,
                self.est_activation,
                self.est_dropout_ratio,
                init=init,
            ),
            residuals=(),
        )
