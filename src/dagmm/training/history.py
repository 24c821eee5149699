"""What training recorded, epoch by epoch, as plain lists."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dagmm._core.atomic_files import ArraySpecs

#: Terms that are averaged over the steps of an epoch that were not dropped.
AVERAGED = ("loss", "reconstruction", "energy", "penalty", "gradient_norm")
#: Is measured where a cycle ends.
HELD_OUT = "held_out_reconstruction"
#: Are counted.
_WHOLE = ("dropped_steps", "out_of_time")


class History(dict[str, list[Any]]):
    """One list for each quantity, one entry for each epoch; can be written as JSON as it is.

    ``loss``, ``reconstruction``, ``energy`` (nats), ``penalty`` and ``gradient_norm`` are means
    over the steps of the epoch, ``None`` where every step was dropped. ``dropped_steps`` counts
    the steps left out because loss or gradient was not finite. ``phi`` (a list of component
    weights) and ``smallest_eigenvalue`` (of any component's covariance, floor included) belong
    to the last minibatch of the epoch. ``held_out_reconstruction``, the mean squared error of rows
    that the network is not fitted to, is measured when a cycle ends and ``None`` in other epochs;
    in all of them where nothing asks for it. ``out_of_time`` is 0, and 1 in the last epoch where a
    bound on the seconds ended the training.
    """

    def __init__(self) -> None:
        names = (*AVERAGED, HELD_OUT, *_WHOLE, "phi", "smallest_eigenvalue")
        super().__init__({name: [] for name in names})

    @property
    def epochs(self) -> int:
        """Number of epochs recorded so far."""
        return len(self["loss"])

    @property
    def held_out_errors(self) -> list[float]:
        """Mean squared error of rows that were not fitted to, at the end of each cycle."""
        return [error for error in self[HELD_OUT] if error is not None]

    def judge(self, error: float) -> None:
        """Record the error of rows that were not fitted to, where a cycle ended."""
        self[HELD_OUT][-1] = error if np.isfinite(error) else np.finfo(np.float64).max

    def end_early(self) -> None:
        """Record that there was no time for another cycle."""
        self["out_of_time"][-1] = 1

    def summary(self) -> str:
        """Say where the loss stands, in a few characters."""
        loss = self["loss"][-1]
        return "loss not finite" if loss is None else f"loss {loss:.4g}"

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was recorded as arrays, NaN where every step of an epoch was dropped."""
        return {
            name: np.array(self[name], np.int64 if name in _WHOLE else np.float64) for name in self
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "History":
        """Return the history that :meth:`arrays` were made of."""
        history = cls()
        for name in history:
            history[name] = arrays[name].tolist()
        for name in (*AVERAGED, HELD_OUT):
            history[name] = [None if value != value else value for value in history[name]]
        return history

    @classmethod
    def shapes(cls, epochs: int, n_components: int) -> ArraySpecs:
        """Type and shape of each of :meth:`arrays`."""
        arrays: ArraySpecs = dict.fromkeys(cls(), ("F64", (epochs,)))
        return arrays | {
            **dict.fromkeys(_WHOLE, ("I64", (epochs,))),
            "phi": ("F64", (epochs, n_components)),
        }

    def extend(self, steps: Mapping[str, Any], phi: Any, cov: Any) -> None:
        """Add some epochs.

        Parameters
        ----------
        steps : mapping of str to array of shape (n_epochs, n_steps)
            What each step reported; ``dropped`` among it.
        phi : array of shape (n_epochs, n_components)
        cov : array of shape (n_epochs, n_components, n_latent, n_latent)
        """
        dropped = np.asarray(steps["dropped"])
        for name in AVERAGED:
            self[name] += _kept_means(np.asarray(steps[name], np.float64), dropped)
        self[HELD_OUT] += [None] * len(dropped)
        self["dropped_steps"] += dropped.sum(axis=1).tolist()
        self["out_of_time"] += [0] * len(dropped)
        self["phi"] += np.asarray(phi, np.float64).tolist()
        eigenvalues = np.linalg.eigvalsh(np.asarray(cov, np.float64))
        self["smallest_eigenvalue"] += eigenvalues.min(axis=(1, 2)).tolist()


def _kept_means(values: np.ndarray, dropped: np.ndarray) -> list[float | None]:
    return [
        float(row[~out].mean()) if not out.all() else None
        for row, out in zip(values, dropped, strict=True)
    ]
