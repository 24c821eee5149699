"""Networks of the detector and how they are trained: what several presets share."""

from dagmm.networks.network import Architecture
from dagmm.training.presets.paper import DEFAULT_EST_HIDDENS, PAPER_LAMBDA1, PAPER_LAMBDA2
from dagmm.training.schedule import TrainingConfig

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


def network_of_rows(
    n_rows: int, n_features: int, batch_size: int, *, whole_row: bool, has_shortcuts: bool
) -> Architecture:
    """Network of rows of a table, and of summaries of windows."""
    is_few = n_rows < FEW_ROWS
    width = WIDTH if is_few else LARGE_WIDTH
    return Architecture(
        n_features=n_features,
        comp_hiddens=(width, width, max(1, min(TABLE_CODE, n_features - 1))),
        comp_activation="gelu",
        est_hiddens=est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        mask_ratio=MASK_RATIO_OF_FEW if is_few else MASK_RATIO,
        whole_row=whole_row,
        has_shortcuts=has_shortcuts,
    )


def training_of_rows(n_rows: int, batch_size: int) -> TrainingConfig:
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


def training_of_z(batch_size: int, epochs: int, steps_per_epoch: int) -> TrainingConfig:
    """Training of networks whose z alone is scored: of images, of whole windows.

    Its weights are the paper's: smaller ones were measured on rows of tables alone.
    """
    return TrainingConfig(
        batch_size=batch_size,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        learning_rate=1e-3,
        lambda1=PAPER_LAMBDA1,
        lambda2=PAPER_LAMBDA2,
        cosine_decay=True,
        warm_up=0.2,
    )


def est_hiddens(batch_size: int) -> tuple[int, ...]:
    """Widths of the detector's estimation network."""
    # A minibatch of a few rows cannot fill several components; the penalty would rule the loss.
    n_components = min(DEFAULT_EST_HIDDENS[-1], max(1, batch_size // 16))
    return (*DEFAULT_EST_HIDDENS[:-1], n_components)


def batch_of(n_rows: int, most: int = 256) -> int:
    """Return the rows of a minibatch, a power of two."""
    return min(most, power_of_two_below(n_rows))


def power_of_two_below(n: int) -> int:
    """Return the largest power of two that is no more than a number."""
    return 1 << (n.bit_length() - 1)
