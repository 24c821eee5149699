"""Training: the compiled program, its loop on the host, several members side by side."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from itertools import islice
from threading import Event
from time import monotonic
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Float, Int, UInt32

from dagmm._core.compilation import compiled, make_room
from dagmm._core.forks import check_process
from dagmm._core.numerics import Array
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm._core.wording import named
from dagmm.inference.forward import outputs_of
from dagmm.networks.dropout import fold_in, seed_of
from dagmm.networks.network import Architecture, Network, flatten
from dagmm.networks.padding import Padding, padding_of, unpadded
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.preprocessing.windows.features import WindowGather
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.checkpoint.identity import identity_of
from dagmm.training.checkpoint.member_file import MemberFile, Standing
from dagmm.training.history import History
from dagmm.training.minibatch import LatentPadding
from dagmm.training.objective import Terms, objective
from dagmm.training.principal_components import at_principal_components
from dagmm.training.schedule import LEAST_GAIN, Schedule, batches_of
from dagmm.training.schedule import TrainingConfig as TrainingConfig

#: Tables of no more numbers are padded, with rows as well, to one size for each width. Rows of
#: padding take no memory on a CPU; a larger table would be copied, and takes longer to train on
#: than to compile for.
MOST_PADDED = 2**23

#: Rows, at most, that the error of rows that were not fitted to is taken of.
_JUDGED_ROWS = 4096
#: Rows, at most, that principal components are taken of.
_SOME_ROWS = 2**14
#: What an error has to fall to for another cycle.
_GOOD = 1.0 - LEAST_GAIN


class TrainedMember(NamedTuple):
    """What training makes of one network."""

    initial: np.ndarray
    """Parameters before training, in one vector."""
    parameters: np.ndarray
    """Parameters after training, in one vector."""
    history: History
    held_out_error: float | None = None
    """Mean squared error of rows that the network is not fitted to; None without any."""
    is_start: bool = False
    """Whether no cycle of training rebuilt such rows better than the principal components, where
    the network began."""


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


class _State(NamedTuple):
    """What a step changes. All parameters are one vector: one operation updates them."""

    parameters: Float[Array, " n_parameters"]
    adam: Any
    step: Int[Array, ""]
    phi: Float[Array, " n_components"]
    cov: Float[Array, "n_components n_latent n_latent"]


class _StepRecord(NamedTuple):
    """What a step reports."""

    loss: Array
    reconstruction: Array
    energy: Array
    penalty: Array
    gradient_norm: Array
    dropped: Array


_ADAM = optax.scale_by_adam()


def _step(
    architecture: Architecture,
    rows: Float[Array, "n_rows n_columns"],
    windowed: WindowGather | None,
    seed: UInt32[Array, " 2"],
    padding: LatentPadding,
    state: _State,
    batch: tuple[Int[Array, " batch_size"], Schedule],
) -> tuple[_State, _StepRecord]:
    index, schedule = batch
    step_seed = fold_in(seed, state.step)

    def loss(network: Network) -> tuple[Array, Terms]:
        x = _turned(rows[index]) if windowed is None else windowed(rows, index)
        return objective(
            network,
            x,
            schedule.lambda1,
            schedule.lambda2,
            step_seed,
            schedule.reconstruction_weight,
            architecture.mask_ratio,
            padding,
        )

    # Not the gradient of the vector: each part would be padded to the whole and added up.
    network = architecture.unflatten(state.parameters)
    (value, terms), parts = jax.value_and_grad(loss, has_aux=True)(network)
    gradient = flatten(parts)
    norm = jnp.sqrt((gradient * gradient).sum())
    update, adam = _ADAM.update(gradient, state.adam)
    parameters = state.parameters - schedule.learning_rate * update
    moved = _State(parameters, adam, state.step, terms.phi, terms.cov)
    # One step that is not finite would destroy every weight: it is left out and counted.
    usable = jnp.isfinite(value) & jnp.isfinite(norm)
    state = jax.tree.map(lambda new, old: jnp.where(usable, new, old), moved, state)
    record = _StepRecord(value, terms.reconstruction, terms.energy, terms.penalty, norm, ~usable)
    return state._replace(step=state.step + 1), record


def _turned(rows: Float[Array, "n_rows n_columns"]) -> Float[Array, "n_columns n_rows"]:
    """Lay rows along the last axis in memory as well, for all that comes after the products."""
    return with_layout_constraint(rows.T, Layout((0, 1)))  # type: ignore[no-untyped-call]


@cache
def _program() -> Callable[..., Any]:
    """Return the compiled program: some whole epochs of one member."""

    def run(
        rows: Array,
        windowed: WindowGather | None,
        seed: Array,
        padding: LatentPadding,
        state: _State,
        batches: tuple[Array, Schedule],
        *,
        architecture: Architecture,
    ) -> tuple[_State, tuple[_StepRecord, Array, Array]]:
        def epoch(state: _State, batches: tuple[Array, Schedule]) -> Any:
            state, record = jax.lax.scan(
                lambda s, b: _step(architecture, rows, windowed, seed, padding, s, b),
                state,
                batches,
            )
            return state, (record, state.phi, state.cov)

        return jax.lax.scan(epoch, state, batches)

    return compiled(run, static_argnames="architecture")


class _TrainingRun:
    """One network in training: its state on the device and its shuffling on the host."""

    def __init__(
        self,
        rows: Array,
        fitted: int | np.ndarray,
        padding: Padding,
        config: TrainingConfig,
        seed: np.random.SeedSequence,
        initial: np.ndarray | None,
        windowed: WindowGather | None,
        held_out: FeatureMatrix | None,
        table: np.ndarray,
    ) -> None:
        network_seed, order_seed, dropout_seed = seed.spawn(3)
        self.rows, self.padding, self.config = rows, padding, config
        self.windowed = windowed
        self.held_out = held_out if held_out is not None and len(held_out) else None
        architecture = padding.architecture
        self.seed = seed_of(dropout_seed)
        #: Whether it begins at principal components, which may be the best there is.
        self.is_linear = initial is None and architecture.has_shortcuts and windowed is None
        if initial is None:
            rng = np.random.default_rng(network_seed)
            initial = np.asarray(flatten(architecture.build(rng)))
        self.initial = self.start = initial
        if self.is_linear:
            places = np.arange(fitted) if isinstance(fitted, int) else fitted
            some = table[places[:: -(-len(places) // _SOME_ROWS)]]
            self.start = at_principal_components(architecture, initial, some)
        self.best = self.start
        self.batches = batches_of(fitted, config, np.random.default_rng(order_seed))
        self.history = History()
        k, d = architecture.n_components, architecture.n_latent
        zeros = np.zeros_like(self.start)
        fresh = _State(
            self.start,
            # Of no parameters, as JAX would compile a program for each number of them.
            _ADAM.init(zeros[:0])._replace(mu=zeros, nu=zeros),
            np.zeros((), np.int32),
            np.full(k, 1.0 / k, np.float32),
            np.broadcast_to(np.eye(d, dtype=np.float32), (k, d, d)),
        )
        self.state = _reshaped(fresh, padding.pad, padding.pad_cov)
        self.file: MemberFile | None = None
        #: Whether another cycle would be of little use, or none is left.
        self.is_done = False

    def _is_settled(self) -> bool:
        """Whether all cycles are done, or the last was of little use."""
        if self.history.epochs == self.config.most_epochs:
            return True
        cycle = self.config.cycle_at(self.history.epochs)
        if cycle is None:
            return False
        errors = self.history.held_out_errors
        return not errors or (cycle > 0 and not errors[-1] < _GOOD * min(errors[:-1]))

    def resume(self, file: MemberFile) -> None:
        """Keep the training in a file from now on, and go on from what it holds."""
        self.file = file
        found = file.read(self._standing())
        if found is not None:
            self.initial, self.best, state, self.history = found
            self.state = _reshaped(state, self.padding.pad, self.padding.pad_cov)
            self.is_done = self._is_settled()
            # The calls that were done are replayed for the order of those that follow.
            calls = self.history.epochs // self.config.epochs_per_call
            self.batches = iter(()) if self.is_done else islice(self.batches, calls, None)

    def keep(self, *, at_once: bool = False) -> None:
        """Keep the training as it stands: now, or when it is time to."""
        if self.file is not None:
            self.file.keep(self._standing(), at_once=at_once)

    def advance(self) -> bool:
        """Run the next epochs; whether there were any left."""
        if self.is_done:
            return False
        batches = next(self.batches)
        self.state, (record, phi, cov) = _program()(
            self.rows,
            self.windowed,
            self.seed,
            LatentPadding(self.padding.blank),
            self.state,
            batches,
            architecture=self.padding.wide,
        )
        self.history.extend(record._asdict(), phi, self.padding.cut_cov(cov))
        if self.config.cycle_at(self.history.epochs) is not None:
            self._judge()
        self.is_done = self._is_settled()
        self.keep()
        return True

    def _judge(self) -> None:
        """Keep the parameters of a cycle that has ended, unless an earlier one was better."""
        parameters = np.asarray(self.padding.cut(self.state.parameters))
        if self.held_out is None:
            self.best = parameters
            return
        error = self._error_of(parameters)
        # What is not finite is no better than anything.
        if error < min([self._start_error, *self.history.held_out_errors]):
            self.best = parameters
        self.history.judge(error)

    @cached_property
    def _start_error(self) -> float:
        """Error of held-out rows before the first cycle; only principal components may last."""
        if self.held_out is None or not self.is_linear:
            return np.inf
        return self._error_of(self.start)

    def _error_of(self, parameters: np.ndarray) -> float:
        """Mean squared error of rows that the network is not fitted to."""
        assert self.held_out is not None, "asked only where there are any"
        rows = self.held_out[:: -(-len(self.held_out) // _JUDGED_ROWS)]
        error = outputs_of(self.padding.architecture, parameters, rows).squared_error
        return float(error.mean(dtype=np.float64))

    def end_early(self) -> None:
        """Begin no other cycle, as there is no time for it."""
        self.is_done = True
        self.history.end_early()

    def result(self) -> TrainedMember:
        """Return the best network at the end of a cycle."""
        errors = self.history.held_out_errors
        if not errors:
            return TrainedMember(self.initial, self.best, self.history)
        error = min([self._start_error, *errors])
        is_start = self._start_error <= min(errors) and np.isfinite(error)
        return TrainedMember(self.initial, self.best, self.history, error, bool(is_start))

    def _standing(self) -> Standing:
        """Return where the training stands, in true shapes."""
        state = _reshaped(self.state, self.padding.cut, self.padding.cut_cov)
        return Standing(self.initial, self.best, state, self.history)


def _reshaped(
    state: _State,
    of_parameters: Callable[[Array], Array],
    of_cov: Callable[[Array], Array],
) -> _State:
    """Pad or cut everything in a state that has the shape of the network."""
    mu, nu = of_parameters(state.adam.mu), of_parameters(state.adam.nu)
    return state._replace(
        parameters=of_parameters(state.parameters),
        adam=state.adam._replace(mu=mu, nu=nu),
        cov=of_cov(state.cov),
    )


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

    def advance(member: _TrainingRun) -> bool:
        alive = not stopped.is_set() and member.advance()
        if alive:
            progress.advance(_done(members), member.history.summary())
        return alive

    def finish(end: int, member: _TrainingRun) -> None:
        try:
            while member.history.epochs < end and advance(member):
                pass
        finally:
            member.keep(at_once=True)

    waiting = [member for member in members if not member.is_done]
    before = min((member.history.epochs for member in waiting), default=0)
    progress.phase("compiling", len(members) * config.most_epochs)
    if waiting:
        make_room(_program())
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
) -> list[_TrainingRun]:
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
        _TrainingRun(
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


def _done(members: Sequence[_TrainingRun]) -> int:
    """Epochs done, of all members together; who is done did all that could be of use."""
    return sum(
        member.config.most_epochs if member.is_done else member.history.epochs
        for member in members
    )
