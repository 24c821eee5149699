"""Training of several networks side by side, within a bound on the time."""

from collections.abc import Sequence
from functools import partial
from threading import Event
from time import monotonic
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from dagmm._core.compilation import make_room
from dagmm._core.forks import check_process
from dagmm._core.numerics import Array
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm._core.wording import named
from dagmm.networks.network import Architecture
from dagmm.networks.padding import Padding, padding_of, unpadded
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.preprocessing.windows.features import WindowGather
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.checkpoint.identity import identity_of
from dagmm.training.compiled_steps import program
from dagmm.training.schedule import TrainingConfig as TrainingConfig
from dagmm.training.training_run import TrainedMember, TrainingRun

#: Tables of no more numbers are padded, with rows as well, to one size for each width. Rows of
#: padding take no memory on a CPU; a larger table would be copied, and takes longer to train on
#: than to compile for.
MOST_PADDED = 2**23


class TrainingRows(NamedTuple):
    """What networks are trained on, where that is not each row, by itself, for all of them."""

    windowed: WindowGather | None
    """Makes inputs of windows from the rows; None where they are the rows themselves."""
    fitted: Sequence[np.ndarray]
    """By network: numbers of the rows, or of those whose windows, it is trained on."""
    held_out: Sequence[FeatureMatrix] | None = None
    """By network: inputs that it is not trained on, which say whether another cycle is of use.
    Without any there is one cycle."""
    tables: Sequence[np.ndarray] | None = None
    """By network: rows as it sees them, in tables of one length; None where all see the same."""


def train(
    rows: Float[np.ndarray, "padded_rows n_columns"],
    n_rows: int,
    architectures: Sequence[Architecture],
    config: TrainingConfig,
    seed: int | np.random.SeedSequence,
    progress: Progress | None = None,
    initial: Sequence[np.ndarray] | None = None,
    inputs: TrainingRows | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[TrainedMember]:
    """Train one network for each architecture, side by side.

    Members share nothing but the rows, so each runs in a thread of its own and the result
    does not depend on how many run at once.

    Parameters
    ----------
    rows : ndarray of shape (padded_rows, n_features), float32
        Encoded rows, all finite. Rows beyond ``n_rows`` are padding and never read.
    n_rows : int
    architectures : sequence of Architecture
        One for each member.
    config : TrainingConfig
    seed : int or SeedSequence
        The one source of initialisation, shuffling and dropout.
    progress : Progress, optional
        Is told the epochs done, of all members together, and the loss.
    initial : sequence of ndarray of shape (n_parameters,), optional
        Where each network starts; they are drawn by default.
    inputs : TrainingRows, optional
        By default every network is trained on all rows, each by itself.
    checkpoint : Checkpoint, optional
        Where the training is kept while it runs, and goes on from.

    Returns
    -------
    list of TrainedMember

    Raises
    ------
    ArgumentError, ModelFileError, ModelSaveError
        If the checkpoint is of another training, is damaged, or cannot be written.
    """
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    members = _members(rows, n_rows, architectures, config, sequence, initial, inputs)
    progress = progress or Progress()
    if checkpoint is not None:
        training = identity_of(
            *_what_is_seen(rows, inputs), n_rows, architectures, config, sequence, initial
        )
        for member, file in zip(members, checkpoint.begin(training, config), strict=True):
            member.resume(file)
        if _done(members):
            epochs = [member.history.epochs for member in members]
            progress.say(checkpoint.resuming(epochs, config.most_epochs))
    stopped, began = Event(), monotonic()

    def advance(member: TrainingRun) -> bool:
        alive = not stopped.is_set() and member.advance()
        if alive:
            progress.advance(_done(members), member.history.summary())
        return alive

    def finish(end: int, member: TrainingRun) -> None:
        try:
            while member.history.epochs < end and advance(member):
                pass
        finally:
            member.keep(at_once=True)

    waiting = [member for member in members if not member.is_done]
    before = min((member.history.epochs for member in waiting), default=0)
    progress.phase("compiling", len(members) * config.most_epochs)
    if waiting:
        make_room(program())
    # The first call of each kind of network compiles; threads would each compile for themselves.
    for member in {m.padding.wide: m for m in reversed(waiting)}.values():
        advance(member)
    progress.phase("training", len(members) * config.most_epochs)
    if checkpoint is not None:
        progress.advance(_done(members))
    for cycle in range(config.cycle_after(before), config.cycles):
        # Without a bound on the time nobody waits for the others where a cycle ends.
        end = config.most_epochs if config.max_seconds is None else config.end_of(cycle)
        start, at = monotonic(), min((member.history.epochs for member in waiting), default=0)
        for _ in parallel_map(partial(finish, end), waiting, stopped):
            pass
        waiting = [member for member in waiting if not member.is_done]
        if not waiting:
            break
        now = monotonic()
        # Compiling is no part of a cycle, unless the call that compiled was all of this one.
        per_epoch = (now - start) / (end - at) if at < end else (now - began) / (end - before)
        if not config.has_time(cycle + 1, now - began, per_epoch):
            progress.say(
                f"{named('max_seconds')} ends the training after {config.end_of(cycle):,} of at "
                f"most {config.most_epochs:,} epochs"
            )
            for member in waiting:
                member.end_early()
            break
    return [member.result() for member in members]


def _members(
    rows: Float[np.ndarray, "padded_rows n_columns"],
    n_rows: int,
    architectures: Sequence[Architecture],
    config: TrainingConfig,
    seed: np.random.SeedSequence,
    initial: Sequence[np.ndarray] | None,
    inputs: TrainingRows | None,
) -> list[TrainingRun]:
    """Return networks before training, on the device with the rows that they share."""
    paddings, n_padded = _paddings(len(rows), architectures, inputs)
    check_process()
    tables = [rows] * len(paddings) if inputs is None or not inputs.tables else inputs.tables
    # Networks that see rows alike share what lies on the device.
    on_device: dict[int, Array] = {}
    for table, padding in zip(tables, paddings, strict=True):
        if id(table) not in on_device:
            shown = table if n_padded is None else padding.pad_rows(table, n_padded)
            on_device[id(table)] = jax.device_put(shown)
    windowed = None if inputs is None else jax.device_put(inputs.windowed)
    return [
        TrainingRun(
            on_device[id(tables[i])],
            n_rows if inputs is None else inputs.fitted[i],
            padding,
            config,
            member_seed,
            None if initial is None else initial[i],
            windowed,
            None if inputs is None or inputs.held_out is None else inputs.held_out[i],
            tables[i],
        )
        for i, (padding, member_seed) in enumerate(
            zip(paddings, seed.spawn(len(architectures)), strict=True)
        )
    ]


def _paddings(
    n_rows: int, architectures: Sequence[Architecture], inputs: TrainingRows | None
) -> tuple[list[Padding], int | None]:
    """Return how each network is padded, and up to how many rows their tables are, if they are."""
    paddings = [padding_of(architecture) for architecture in architectures]
    n_padded = MOST_PADDED // max(padding.wide.n_features for padding in paddings)
    makes_inputs = inputs is not None and inputs.windowed is not None
    if makes_inputs or n_rows > n_padded:
        return [unpadded(architecture) for architecture in architectures], None
    return paddings, n_padded


def _what_is_seen(
    rows: Float[np.ndarray, "padded_rows n_columns"], inputs: TrainingRows | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return all tables that networks see, and what tells which rows of which each sees."""
    if inputs is None:
        return [rows], []
    seen = [rows] if inputs.tables is None else inputs.tables
    tables = {id(table): table for table in seen}
    order = np.array([list(tables).index(id(table)) for table in seen])
    return [*tables.values()], [*inputs.fitted, *jax.tree.leaves(inputs.windowed), order]


def _done(members: Sequence[TrainingRun]) -> int:
    """Epochs done, of all members together; who is done did all that could be of use."""
    return sum(
        member.config.most_epochs if member.is_done else member.history.epochs
        for member in members
    )
