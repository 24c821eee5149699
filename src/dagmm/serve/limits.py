"""How much one request may hold and take, and how many are worked on at once."""

import time
from dataclasses import dataclass
from threading import Lock

from dagmm.serve.errors import RequestError


@dataclass(frozen=True)
class Limits:
    """What a request may hold and take.

    Parameters
    ----------
    body_bytes, rows, columns : int
        Of one request, at most.
    seconds : float
        From its first byte to its answer, at most.
    threads : int
        Requests that are scored at once.
    queue : int
        Requests that may wait, beside those that are scored.
    """

    body_bytes: int = 16 * 2**20
    rows: int = 100_000
    columns: int = 10_000
    seconds: float = 30.0
    threads: int = 2
    queue: int = 64

    def check_body(self, n_bytes: int) -> None:
        """Refuse a body that is too large."""
        if n_bytes > self.body_bytes:
            raise RequestError(
                413,
                f"the body has more than {self.body_bytes:,} bytes (--max-body); send the rows in "
                "several requests.",
            )

    def check_rows(self, n_rows: int) -> None:
        """Refuse more rows than one request may have."""
        if n_rows > self.rows:
            raise RequestError(
                413,
                f"the request has more than {self.rows:,} rows (--max-rows); send them in "
                "several requests.",
            )

    def check_columns(self, n_columns: int) -> None:
        """Refuse more columns than one request may have."""
        if n_columns > self.columns:
            raise RequestError(
                413,
                f"the request has {n_columns:,} columns, more than {self.columns:,} "
                "(--max-columns); send those that the model was fitted on.",
            )

    def check_cells(self, n_cells: int) -> None:
        """Refuse more cells than a body of the largest size can hold.

        A row of JSON need not name its holes: a small body may stand for a large table.
        """
        if n_cells > self.body_bytes:
            raise RequestError(
                413,
                f"the request has {n_cells:,} cells, more than {self.body_bytes:,} (--max-body); "
                "send the rows in several requests.",
            )


class Deadline:
    """When a request must have its answer.

    Parameters
    ----------
    seconds : float
        From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Refuse to go on after the end.

        Raises
        ------
        RequestError
        """
        if not self.left:
            raise self.error()

    def error(self) -> RequestError:
        """Return what a request is told that took too long."""
        return RequestError(
            503,
            f"no answer within {self._seconds:g} seconds (--timeout); send fewer rows, or try "
            "again later.",
        )


class Slots:
    """Counts requests that are worked on or wait, so that memory stays bounded.

    Parameters
    ----------
    n_slots : int
    """

    def __init__(self, n_slots: int) -> None:
        self._n_slots, self._lock = n_slots, Lock()
        self.taken = 0

    def take(self) -> None:
        """Take a slot.

        Raises
        ------
        RequestError
            If none is free.
        """
        with self._lock:
            if self.taken >= self._n_slots:
                raise RequestError(
                    503,
                    f"{self._n_slots} requests are being worked on or wait already "
                    "(--threads, --queue); try again later.",
                )
            self.taken += 1

    def free(self) -> None:
        """Give a slot back."""
        with self._lock:
            self.taken -= 1
