"""The model card: what the model is, and what it was made from."""

from dataclasses import dataclass
from typing import Any

from dagmm._version import __version__
from dagmm.inference.fitted_model import FittedModel
from dagmm.networks.activations import activation_name


@dataclass(frozen=True)
class ModelCard:
    """What a model is.

    Parameters
    ----------
    version : str
        Of the library that writes the report.
    model_version : str or None
        Of the library that saved the model; None for one that was not saved.
    estimator : str or None
        The class that made it.
    arguments : dict
        That class's constructor arguments.
    fingerprint : str
        SHA-256 of the encoded training rows.
    n_rows : int
        Training rows.
    n_columns, n_features : int
        Columns used, and their width when encoded.
    unused_columns : tuple of (str, str)
        Columns that are not used, and why: ``drop``, ``time``, ``group``, ``identifier``,
        ``date`` or ``empty``.
    scaling : str
    compression, estimation : str
        Layers of a network, their widths joined by a dash, and the activation.
    n_members : int
    n_components : tuple of int
        Of the members' mixtures.
    n_parameters : int
        Of all networks together.
    """

    version: str
    model_version: str | None
    estimator: str | None
    arguments: dict[str, Any]
    fingerprint: str
    n_rows: int
    n_columns: int
    n_features: int
    unused_columns: tuple[tuple[str, str], ...]
    scaling: str
    compression: str
    estimation: str
    n_members: int
    n_components: tuple[int, ...]
    n_parameters: int

    @property
    def said_arguments(self) -> str:
        """The arguments that are not defaults, as Python writes them."""
        return ", ".join(f"{name}={value!r}" for name, value in sorted(self.arguments.items()))


def model_card_of(
    model: FittedModel,
    estimator: str | None = None,
    arguments: dict[str, Any] | None = None,
    model_version: str | None = None,
) -> ModelCard:
    """Describe a model."""
    architecture, encoder = model.networks[0].architecture, model.table_encoder
    compression = (architecture.n_features, *architecture.comp_hiddens)
    estimation = (architecture.n_latent, *architecture.est_hiddens)
    names = [
        activation_name(part, getattr(architecture, part))
        for part in ("comp_activation", "est_activation")
    ]
    return ModelCard(
        __version__,
        model_version,
        estimator,
        arguments or {},
        model.record.fingerprint,
        model.record.n_rows,
        len(encoder.columns),
        encoder.n_features,
        tuple((column.name, column.reason) for column in encoder.unused_columns),
        encoder.scaling,
        f"{'-'.join(map(str, compression))} ({names[0]})",
        f"{'-'.join(map(str, estimation))} ({names[1]})",
        len(model.networks),
        tuple(
            0 if mixture is None else mixture.n_components
            for mixture in map(model.mixture_of, model.networks)
        ),
        sum(network.parameters.size for network in model.networks),
    )
