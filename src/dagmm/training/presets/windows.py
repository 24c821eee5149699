"""The default for windows."""

from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.mixture.row_mixture import InputMixture, RowMixture
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import View
from dagmm.preprocessing.windows.features import (
    LAST_ROWS,
    Detail,
    inputs_of_feature,
    parts_of_summary,
)
from dagmm.training.config import DetectorConfig
from dagmm.training.presets.mixtures import COMPONENTS, ROW_FLOOR, mixture
from dagmm.training.presets.networks import (
    batch_of,
    est_hiddens,
    network_of_rows,
    training_of_rows,
    training_of_z,
)
from dagmm.training.presets.tables import WIDE_FEATURES

#: Covariance floor of the mixtures of windows, by what they see. The last rows have relations that
#: hardly vary, which a fault breaks. Summaries of windows that follow each other share nearly all
#: their rows: there are far fewer of them than it seems, and a mixture that follows them closely
#: takes every new one for strange.
WINDOW_FLOORS: dict[View, float] = {"last_rows": 1e-4, "level": 1e-4, "summary": 0.1}
#: The least of what inputs of deviation one vary by themselves: how level, spread and movement of
#: a few rows hang together must not be known so well that a shorter window, which has them from
#: fewer rows, is strange.
LEAST_SUMMARY_FLOOR = 1e-2
#: Views of networks, in turn, and of the mixtures of windows beside them, which have this share of
#: the energy together.
WINDOW_VIEWS: tuple[View, ...] = ("summary", "last_rows")
INPUT_SHARE = 0.6
#: Windows that have no row in common, for each component of a mixture of them.
WINDOWS_OF_COMPONENT = 100
#: Covariance floor of the mixtures of z, of sequences and of summaries of very many features.
WINDOW_FLOOR = 0.1

#: Epochs of 100 steps, of sequences and of summaries of very many features.
WINDOW_EPOCHS = 20


def window_config(
    n_windows: int, shape: tuple[int, ...], n_members: int, detail: Detail
) -> DetectorConfig:
    """Return the config of ``DAGMMDetector`` for windows.

    Parameters
    ----------
    n_windows : int
        Windows that the network with the fewest is fitted to.
    shape : tuple of int
        (n_steps, n_features): rows of a window, and the width of an encoded row.
    n_members : int
    detail : {"summary", "sequence"}
        What the networks see of a window.
    """
    n_steps, n_features = shape
    if detail == "sequence" or LAST_ROWS * n_features >= WIDE_FEATURES.stop:
        return _config_of_z(n_windows, shape, n_members, detail)
    batch_size = batch_of(n_windows)
    parts = parts_of_summary(n_features, n_steps)
    views = tuple(WINDOW_VIEWS[i % len(WINDOW_VIEWS)] for i in range(n_members))
    architectures = tuple(
        network_of_rows(
            n_windows,
            parts[view].width(n_features),
            batch_size,
            whole_row=True,
            has_shortcuts=True,
        )
        for view in views
    )
    training = training_of_rows(n_windows, batch_size)

    apart = n_windows // (n_steps * WINDOWS_OF_COMPONENT)
    candidates = [n for n in COMPONENTS if n <= max(1, apart)]

    def of_view(density: type[RowMixture], view: View, weight: float) -> DensityConfig:
        return mixture(
            density,
            n_windows,
            WINDOW_FLOORS[view],
            candidates=candidates,
            weight=weight,
            view=view,
            least_floor=LEAST_SUMMARY_FLOOR if view == "summary" else ROW_FLOOR,
        )

    of_networks = tuple((of_view(RowMixture, view, 1.0 / views.count(view)),) for view in views)
    share = INPUT_SHARE / len(WINDOW_FLOORS)
    of_windows = tuple(of_view(InputMixture, view, share) for view in WINDOW_FLOORS)
    return DetectorConfig(architectures, training, of_networks, of_windows, views)


def _config_of_z(
    n_windows: int, shape: tuple[int, ...], n_members: int, detail: Detail
) -> DetectorConfig:
    """Return the config of networks that see whole windows, and of mixtures of their z alone."""
    n_steps, n_features = shape
    n_inputs = n_features * inputs_of_feature(detail, n_steps)
    batch_size = batch_of(n_windows)
    n_code = min(16, n_inputs)
    of_sequence = detail == "sequence"
    architecture = Architecture(
        n_features=n_inputs,
        comp_hiddens=(*(_filters(n_steps) if of_sequence else (64, 32)), n_code),
        comp_activation="tanh",
        est_hiddens=est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        mask_ratio=0.2,
        shape=shape if of_sequence else (),
    )
    training = training_of_z(batch_size, WINDOW_EPOCHS, steps_per_epoch=100)
    densities = ((mixture(LatentMixture, n_windows, WINDOW_FLOOR),),) * n_members
    return DetectorConfig((architecture,) * n_members, training, densities)


def _filters(n_steps: int) -> tuple[int, ...]:
    """Return the filters of convolutions that halve the steps until about four are left."""
    n_layers = max(1, min(3, (n_steps - 1).bit_length() - 2))
    return tuple(32 for _ in range(n_layers))
