"""One network in training: advanced call by call, judged where a cycle ends, kept in a file."""

from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from dagmm._core.numerics import Array
from dagmm.inference.forward import outputs_of
from dagmm.networks.dropout import seed_of
from dagmm.networks.network import flatten
from dagmm.networks.padding import Padding
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.preprocessing.windows.features import WindowGather
from dagmm.training.checkpoint.member_file import MemberFile, Standing
from dagmm.training.compiled_steps import fresh_state, program, reshaped
from dagmm.training.history import History
from dagmm.training.minibatch import LatentPadding
from dagmm.training.principal_components import at_principal_components
from dagmm.training.schedule import LEAST_GAIN, TrainingConfig, batches_of

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


class TrainingRun:
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
        fresh = fresh_state(architecture, self.start)
        self.state = reshaped(fresh, padding.pad, padding.pad_cov)
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
            self.state = reshaped(state, self.padding.pad, self.padding.pad_cov)
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
        self.state, (record, phi, cov) = program()(
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
        state = reshaped(self.state, self.padding.cut, self.padding.cut_cov)
        return Standing(self.initial, self.best, state, self.history)
