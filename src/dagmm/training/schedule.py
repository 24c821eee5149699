"""How networks are trained, and the order in which rows are looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dagmm._core.numerics import Array

#: One compiled call runs about this many steps, so that short epochs do not wait for the host.
STEPS_PER_CALL = 100

#: Share by which a cycle has to lower the error of rows that were not fitted to, for another one.
LEAST_GAIN = 0.1


@dataclass(frozen=True)
class TrainingConfig:
    """How one network is trained.

    Parameters
    ----------
    batch_size : int
        Rows of a minibatch; at most the number of training rows.
    epochs : int
    steps_per_epoch : int
        Steps of an epoch. Rows are reshuffled whenever all of them were used, not once before
        training as in the reference implementation.
    learning_rate : float
        Of Adam, at the start.
    lambda1, lambda2 : float
        Weights of the energy and of the covariance penalty in the objective.
    cosine_decay : bool
        Whether the learning rate falls to zero along a cosine; it is constant in the paper.
    warm_up : float
        Share of the steps over which ``lambda1`` and ``lambda2`` rise from zero; the paper has
        none.
    reconstruction_weight : float
        Weight of the reconstruction error, 1 in the paper.
    cycles : int
        How often the learning rate may fall to zero, at most. Each cycle begins with the networks
        of the one before and is twice as long (warm restarts: Loshchilov and Hutter, 2017); it
        only begins where the one before lowered the reconstruction error of rows that the network
        is not fitted to by :data:`LEAST_GAIN`. ``epochs`` is the length of the first.
    max_seconds : float, optional
        No cycle but the first begins that would end later than this after training began, as far
        as the one before tells. How far a training comes then depends on the machine and on what
        else runs there. By default there is no bound.
    """

    batch_size: int
    epochs: int
    steps_per_epoch: int
    learning_rate: float
    lambda1: float
    lambda2: float
    cosine_decay: bool = False
    warm_up: float = 0.0
    reconstruction_weight: float = 1.0
    cycles: int = 1
    max_seconds: float | None = None

    @property
    def most_epochs(self) -> int:
        """Epochs of all cycles."""
        return self.end_of(self.cycles - 1)

    @property
    def n_steps(self) -> int:
        """Number of steps of all cycles."""
        return self.most_epochs * self.steps_per_epoch

    def end_of(self, cycle: int) -> int:
        """Epochs up to the end of a cycle, the first of which is 0."""
        return self.epochs * (2 ** (cycle + 1) - 1)

    def cycle_after(self, epochs: int) -> int:
        """Return the cycle that the next epoch is part of."""
        return (epochs // self.epochs + 1).bit_length() - 1

    def cycle_at(self, epochs: int) -> int | None:
        """Return which cycle ends after so many epochs, from 0 on; None in the midst of one."""
        cycle = self.cycle_after(epochs) - 1
        return cycle if cycle >= 0 and epochs == self.end_of(cycle) else None

    def has_time(self, cycle: int, seconds: float, per_epoch: float) -> bool:
        """Whether a cycle that begins after some seconds of training ends in time."""
        if self.max_seconds is None:
            return True
        n_epochs = self.end_of(cycle) - self.end_of(cycle - 1)
        return seconds + n_epochs * per_epoch <= self.max_seconds

    @property
    def epochs_per_call(self) -> int:
        """How many epochs one compiled call runs: a divisor of ``epochs``."""
        most = max(1, STEPS_PER_CALL // self.steps_per_epoch)
        return next(n for n in range(min(most, self.epochs), 0, -1) if self.epochs % n == 0)

    def schedule(self) -> "Schedule":
        """Learning rate and weights of the terms at every step."""
        first = self.epochs * self.steps_per_epoch
        lengths = [first * 2**i for i in range(self.cycles)]
        place = np.concatenate([np.arange(n) / n for n in lengths])
        decay = 0.5 + 0.5 * np.cos(np.pi * place) if self.cosine_decay else 1.0
        ramp = np.minimum(1.0, np.arange(1, len(place) + 1) / max(1.0, self.warm_up * first))
        terms = (self.lambda1 * ramp, self.lambda2 * ramp, self.reconstruction_weight)
        values = (self.learning_rate * decay, *terms)
        return Schedule(*(np.broadcast_to(v, place.shape).astype(np.float32) for v in values))


class Schedule(NamedTuple):
    """What changes from step to step."""

    learning_rate: Array
    lambda1: Array
    lambda2: Array
    reconstruction_weight: Array


def batches_of(
    fitted: int | np.ndarray, config: TrainingConfig, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, Schedule]]:
    """Row numbers and schedule of each compiled call; of the first rows, or of those listed."""
    if isinstance(fitted, np.ndarray):
        numbers = _order(len(fitted), config.batch_size, rng)
        order: Iterator[np.ndarray] = (fitted[part].astype(np.int32) for part in numbers)
    else:
        order = _order(fitted, config.batch_size, rng)
    schedule = config.schedule()
    shape = (config.epochs_per_call, config.steps_per_epoch)
    per_call = shape[0] * shape[1]
    for start in range(0, config.n_steps, per_call):
        index = np.stack([next(order) for _ in range(per_call)])
        part = Schedule(*(value[start : start + per_call].reshape(shape) for value in schedule))
        yield index.reshape(*shape, config.batch_size), part


def _order(n_rows: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of row numbers, for ever; every row once before any row twice.

    A batch in which one shuffle ends and the next begins may hold a row twice.
    """
    rest = np.empty(0, np.int32)
    while True:
        shuffled = rng.permutation(n_rows).astype(np.int32)
        rest = np.concatenate([rest, shuffled])
        for start in range(0, len(rest) - batch_size + 1, batch_size):
            yield rest[start : start + batch_size]
        rest = rest[len(rest) - len(rest) % batch_size :]
