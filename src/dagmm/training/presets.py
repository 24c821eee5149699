"""The defaults, all in one place: structure and training as functions of the table's shape."""

import math
from dataclasses import replace
from typing import Any

from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.row_mixture import InputMixture, RowMixture
from dagmm.networks.convolutional import halved
from dagmm.networks.network import Architecture
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.preprocessing.row_views import View
from dagmm.preprocessing.windows.features import (
    LAST_ROWS,
    Detail,
    inputs_of_feature,
    parts_of_summary,
)
from dagmm.training.config import DetectorConfig
from dagmm.training.schedule import TrainingConfig

#: Numbers of components that mixtures choose from.
COMPONENTS = (1, 2, 4, 8, 16)

#: Covariance floor of mixtures of whole rows, which is low as relations that hardly vary are what
#: a fault breaks.
ROW_FLOOR = 1e-4
#: Components of the marginal mixture of each feature, and their share of the energy.
MARGINAL_COMPONENTS, MARGINAL_SHARE = 4, 0.15

#: A component of the detector that holds a smaller share of the rows and fewer of them dies: a
#: few rows that lie together are as likely repeated faults as a rare way to be normal, hundreds
#: are not.
LEAST_PHI, LEAST_ROWS = 0.02, 40

#: Encoded tables of so many features, and of fewer than so many rows for each, have mixtures of
#: one component with a high floor, and no marginal mixtures: there are directions in which no
#: training row varies at all. Of more features a covariance would take more than 8 MB.
WIDE_FEATURES, ROWS_OF_WIDE_FEATURE = range(100, 1025), 100
WIDE_FLOOR = 0.25
#: Tables with more rows have the networks' mixtures alone: a rare way to be normal is hundreds of
#: rows there, which are rare in single columns too, and no few straight lines hold all others.
MOST_ROWS_OF_INPUTS = 100_000
#: Covariance floor of mixtures of z, of tables that are wider still.
LATENT_FLOOR = 1e-3

#: Widest code of a table's row: wider ones rebuild strange rows as well.
TABLE_CODE = 8
#: Width of the two other layers, and that of networks of more rows, which have more to learn from.
FEW_ROWS, WIDTH, LARGE_WIDTH = 4000, 64, 128
#: Share of the features that are hidden from a network in training, where rows are few, whose
#: networks would know them by heart, and where they are many.
MASK_RATIO_OF_FEW, MASK_RATIO = 0.2, 0.1

#: Weights of the energy and of the covariance penalty for rows of a table: a tenth of the paper's,
#: so that a code is pulled together less and its rows keep their distances.
LAMBDA1, LAMBDA2 = 0.01, 0.0005

#: Training of the detector's networks on rows of a table: steps of the first cycle, and cycles,
#: each twice as long as the one before; together at most 15,500 steps, and 3,500 of few rows,
#: which networks know by heart after that.
STEPS, CYCLES, LEARNING_RATE = 500, 5, 2e-3
CYCLES_OF_FEW = 3

#: Networks of an asset of a fleet, which begin at networks of the fleet, and the epochs of 100
#: steps that they are then trained for, at most, in one cycle.
FLEET_MEMBERS, FLEET_EPOCHS = 2, 3

#: As what networks see encoded rows, in turn; and those of a series, where what hangs together is
#: near to linear in the values, and ranks bend it.
VIEWS: tuple[View, ...] = ("values", "normal_scores")
VIEWS_IN_TIME: tuple[View, ...] = ("values",)

#: Scaling of the detector's columns.
SCALING: Scaling = "standard"


def default_hiddens(n_features: int) -> tuple[int, ...]:
    """Widths of the compression network of ``DAGMM``; a narrow table's code is not squeezed."""
    return (64, 32, min(8, n_features))


#: Widths of the estimation network; the last is the number of components.
DEFAULT_EST_HIDDENS = (16, 4)


#: Epochs of ``DAGMM``, and the steps that they have together at least: the tables of the paper
#: take 4,000 to 20,000. Small tables are gone over several times an epoch.
DAGMM_EPOCHS, DAGMM_STEPS = 100, 3000


def table_config(
    n_rows: int, shape: tuple[int, ...], n_members: int, *, in_time: bool = False
) -> DetectorConfig:
    """Return the config of ``DAGMMDetector`` for rows of a table.

    Parameters
    ----------
    n_rows : int
        Rows that the network with the fewest is fitted to.
    shape : tuple of int
        (n_features,), the width of an encoded row.
    n_members : int
        Networks.
    in_time : bool
        Whether rows are those of a series: what hangs together in a plant does so closely, and
        networks that begin at principal components keep it where rows are few.
    """
    (n_features,) = shape
    batch_size = min(256, _power_of_two_below(n_rows))
    whole_row = n_features < WIDE_FEATURES.stop
    architecture = _network(
        n_rows, n_features, batch_size, whole_row=whole_row, has_shortcuts=whole_row and in_time
    )
    training = _training(n_rows, batch_size)
    marginal = DensityConfig(
        MarginalMixtures, {"n_components": MARGINAL_COMPONENTS}, MARGINAL_SHARE
    )
    if not whole_row:
        latent = _refined(LATENT_FLOOR, n_rows)
        of_columns = (marginal,) if n_rows <= MOST_ROWS_OF_INPUTS else ()
        return DetectorConfig(
            (architecture,) * n_members, training, ((latent,),) * n_members, of_columns
        )
    some = VIEWS_IN_TIME if in_time else VIEWS
    views = tuple(some[i % len(some)] for i in range(n_members))
    # Of a column that does not vary networks that begin at principal components leave nothing.
    least = {"least_floor": ROW_FLOOR} if in_time else {}
    of_networks = [
        (_row_mixture(n_rows, n_features, 1.0 / views.count(view), **least),) for view in views
    ]
    of_rows: list[DensityConfig] = []
    if n_rows <= MOST_ROWS_OF_INPUTS:
        of_rows = [
            replace(_row_mixture(n_rows, n_features, 1.0), density=InputMixture, view=view)
            for view in dict.fromkeys(views)
        ]
        if not _is_wide(n_rows, n_features):
            of_rows.append(marginal)
    return DetectorConfig(
        (architecture,) * n_members, training, tuple(of_networks), tuple(of_rows), views
    )


def _refined(
    relative_floor: float, n_rows: int, candidates: tuple[int, ...] = COMPONENTS
) -> DensityConfig:
    """Mixture of z that EM and BIC choose."""
    options = {
        "candidates": candidates,
        "relative_floor": relative_floor,
        "least_phi": _least_phi(n_rows),
    }
    return DensityConfig(LatentMixture, options)


def _is_wide(n_rows: int, n_features: int) -> bool:
    return n_features in WIDE_FEATURES and n_rows < ROWS_OF_WIDE_FEATURE * n_features


def _row_mixture(n_rows: int, n_features: int, weight: float, **more: float) -> DensityConfig:
    """Mixture of whole rows: as many networks of a view count as the rows it shows."""
    is_wide = _is_wide(n_rows, n_features)
    options = {
        "candidates": (1,) if is_wide else COMPONENTS,
        "relative_floor": WIDE_FLOOR if is_wide else ROW_FLOOR,
        "least_phi": _least_phi(n_rows),
        **more,
    }
    return DensityConfig(RowMixture, options, weight)


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

#: Weights of the energy and of the covariance penalty for windows and images: the paper's. Smaller
#: ones, kernel densities and short training were measured on rows of tables alone.
PAPER_LAMBDA1, PAPER_LAMBDA2 = 0.1, 0.005
#: Training of windows.
WINDOW_EPOCHS, WINDOW_LEARNING_RATE = 20, 1e-3


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
    batch_size = min(256, _power_of_two_below(n_windows))
    parts = parts_of_summary(n_features, n_steps)
    views = tuple(WINDOW_VIEWS[i % len(WINDOW_VIEWS)] for i in range(n_members))
    architectures = tuple(
        _network(
            n_windows,
            parts[view].width(n_features),
            batch_size,
            whole_row=True,
            has_shortcuts=True,
        )
        for view in views
    )
    training = _training(n_windows, batch_size)

    def mixture(density: type[RowMixture], view: View, weight: float) -> DensityConfig:
        apart = n_windows // (n_steps * WINDOWS_OF_COMPONENT)
        options: dict[str, Any] = {
            "candidates": tuple(n for n in COMPONENTS if n <= max(1, apart)),
            "relative_floor": WINDOW_FLOORS[view],
            "least_phi": _least_phi(n_windows),
        }
        options["least_floor"] = LEAST_SUMMARY_FLOOR if view == "summary" else ROW_FLOOR
        return DensityConfig(density, options, weight, view)

    of_networks = tuple((mixture(RowMixture, view, 1.0 / views.count(view)),) for view in views)
    share = INPUT_SHARE / len(WINDOW_FLOORS)
    of_windows = tuple(mixture(InputMixture, view, share) for view in WINDOW_FLOORS)
    return DetectorConfig(architectures, training, of_networks, of_windows, views)


def _config_of_z(
    n_windows: int, shape: tuple[int, ...], n_members: int, detail: Detail
) -> DetectorConfig:
    """Return the config of networks that see whole windows, and of mixtures of their z alone."""
    n_steps, n_features = shape
    n_inputs = n_features * inputs_of_feature(detail, n_steps)
    batch_size = min(256, _power_of_two_below(n_windows))
    n_code = min(16, n_inputs)
    of_sequence = detail == "sequence"
    architecture = Architecture(
        n_features=n_inputs,
        comp_hiddens=(*(_filters(n_steps) if of_sequence else (64, 32)), n_code),
        comp_activation="tanh",
        est_hiddens=_est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        mask_ratio=0.2,
        shape=shape if of_sequence else (),
    )
    training = TrainingConfig(
        batch_size=batch_size,
        epochs=WINDOW_EPOCHS,
        steps_per_epoch=100,
        learning_rate=WINDOW_LEARNING_RATE,
        lambda1=PAPER_LAMBDA1,
        lambda2=PAPER_LAMBDA2,
        cosine_decay=True,
        warm_up=0.2,
    )
    densities = ((_refined(WINDOW_FLOOR, n_windows),),) * n_members
    return DetectorConfig((architecture,) * n_members, training, densities)


def _filters(n_steps: int) -> tuple[int, ...]:
    """Return the filters of convolutions that halve the steps until about four are left."""
    n_layers = max(1, min(3, (n_steps - 1).bit_length() - 2))
    return tuple(32 for _ in range(n_layers))


#: Widest code of an image, which is a quarter of a tiny one: narrower ones lose what tells one
#: image from another.
IMAGE_CODE = 64

#: Filters of the first convolution over images; each next one has twice as many, up to the most.
FIRST_FILTERS, MOST_FILTERS = 8, 64

#: Convolutions halve an image until its map is no longer than this.
SMALLEST_MAP = 8

#: Covariance floor of the mixtures of images. It is high: images are few for the width of z, and
#: directions in which the training images hardly vary say little about others.
IMAGE_FLOOR = 0.1

#: Components of a mixture of images; one where there are too few images.
IMAGE_COMPONENTS = 4

#: Numbers in a minibatch, at most: large images come in smaller ones.
BATCH_FEATURES = 2**22


def image_hiddens(n_rows: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of an image's convolutions, and the width of its code.

    Parameters
    ----------
    n_rows : int
        Training images.
    shape : tuple of int
        (height, width, channels).
    """
    size, filters = halved(max(shape[:2])), [FIRST_FILTERS]
    while size > SMALLEST_MAP:
        size = halved(size)
        filters.append(min(2 * filters[-1], MOST_FILTERS))
    most = min(IMAGE_CODE, math.prod(shape) // 4)
    return (*filters, min(most, max(2, n_rows // 6)))


def image_config(n_rows: int, shape: tuple[int, ...], n_members: int) -> DetectorConfig:
    """Return the config of ``DAGMMDetector`` for images.

    Parameters
    ----------
    n_rows : int
        Training images.
    shape : tuple of int
        (height, width, channels).
    n_members : int
    """
    n_features = math.prod(shape)
    most = max(8, _power_of_two_below(BATCH_FEATURES // n_features + 1))
    batch_size = min(128, most, _power_of_two_below(n_rows))
    architecture = Architecture(
        n_features=n_features,
        comp_hiddens=image_hiddens(n_rows, shape),
        comp_activation="leaky_relu",
        est_hiddens=_est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        shape=shape,
    )
    training = TrainingConfig(
        batch_size=batch_size,
        epochs=6,
        steps_per_epoch=50,
        learning_rate=1e-3,
        lambda1=PAPER_LAMBDA1,
        lambda2=PAPER_LAMBDA2,
        cosine_decay=True,
        warm_up=0.2,
    )
    enough = n_rows >= IMAGE_COMPONENTS * (architecture.n_latent + 1)
    mixture = _refined(IMAGE_FLOOR, n_rows, (IMAGE_COMPONENTS if enough else 1,))
    return DetectorConfig((architecture,) * n_members, training, ((mixture,),) * n_members)


def _network(
    n_rows: int, n_features: int, batch_size: int, *, whole_row: bool, has_shortcuts: bool
) -> Architecture:
    """Network of rows of a table, and of summaries of windows."""
    is_few = n_rows < FEW_ROWS
    width = WIDTH if is_few else LARGE_WIDTH
    return Architecture(
        n_features=n_features,
        comp_hiddens=(width, width, max(1, min(TABLE_CODE, n_features - 1))),
        comp_activation="gelu",
        est_hiddens=_est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        mask_ratio=MASK_RATIO_OF_FEW if is_few else MASK_RATIO,
        whole_row=whole_row,
        has_shortcuts=has_shortcuts,
    )


def _training(n_rows: int, batch_size: int) -> TrainingConfig:
    """Cycles for rows of a table, and for summaries of windows."""
    return TrainingConfig(
        batch_size=batch_size,
        epochs=STEPS // 100,
        steps_per_epoch=100,
        learning_rate=LEARNING_RATE,
        lambda1=LAMBDA1,
        lambda2=LAMBDA2,
        cosine_decay=True,
        warm_up=0.2,
        cycles=CYCLES_OF_FEW if n_rows < FEW_ROWS else CYCLES,
    )


def _est_hiddens(batch_size: int) -> tuple[int, ...]:
    """Widths of the detector's estimation network."""
    # A minibatch of a few rows cannot fill several components; the penalty would rule the loss.
    n_components = min(DEFAULT_EST_HIDDENS[-1], max(1, batch_size // 16))
    return (*DEFAULT_EST_HIDDENS[:-1], n_components)


def _least_phi(n_rows: int) -> float:
    """Share of the rows below which a component dies."""
    return min(LEAST_PHI, LEAST_ROWS / n_rows)


def _power_of_two_below(n: int) -> int:
    return 1 << (n.bit_length() - 1)


# Which rows are left out of the fit --------------------------------------------------------

#: Of fewer rows none are left out: each counts, and a quarter of them would say nothing.
FEWEST_ROWS = 20
#: Parts of a table's rows, of which each network leaves one out, where there are fewer than these
#: and where there are more: the tenths of four networks are then 500 rows, as many as the tail of
#: energies is fitted to, and networks that see more rows differ less.
MANY_ROWS = 1250
FOLDS_OF_FEW, FOLDS_OF_MANY = 4, 10
#: From so many rows on some are held out of the fit altogether. In smaller tables, where each row
#: counts for detection and a tenth of them would say little, each network leaves out others.
HELD_OUT_FROM_ROWS = 10_000
#: The same where networks leave out nothing: smaller tables are fitted to whole.
HELD_OUT_FROM_ROWS_WITHOUT_FOLDS = 5000
#: Share that is held out, and the most rows, which are enough for a threshold's tail.
HELD_OUT_SHARE, MOST_HELD_OUT = 0.1, 20_000
#: Blocks of time that are held out of a large table.
N_BLOCKS = 10
#: Where less than this share of the windows would be left to a network, all are fitted to all.
LEAST_LEFT = 0.4
