"""Bytes of a table that comes while it is read: through a pipe, or in a file that grows."""

import os
import select
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from dagmm._core.errors import InputError
from dagmm.data.files.compression import codec_of

_PIECE_BYTES = 2**16
#: How much of the beginning tells how a table is written, and how long nothing comes before what
#: there is has to do.
_SAMPLE_BYTES = 2**16
_QUIET_SECONDS = 0.2
#: How often a file is looked at that does not grow.
_LOOK_SECONDS = 0.1


class Incoming(ABC):
    """Where bytes come from that have to be waited for."""

    @abstractmethod
    def next(self, timeout: float | None = None) -> bytes | None:
        """Wait for bytes.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait, at most.

        Returns
        -------
        bytes or None
            Empty at the end; None where none came in time.
        """

    @abstractmethod
    def close(self) -> None:
        """Close it."""


class IncomingPipe(Incoming):
    """Standard input, or another pipe; not closed, as it is somebody else's.

    Parameters
    ----------
    stream : binary file
        From which nothing was read before.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        try:
            self._handle: int | None = stream.fileno()
        except OSError:  # a stream that is no file
            self._handle = None

    def next(self, timeout: float | None = None) -> bytes | None:
        """Wait for bytes; see :meth:`Incoming.next`."""
        if self._handle is None:
            return bytes(self._stream.read1(_PIECE_BYTES))
        if timeout is not None and not _has_come(self._handle, timeout):
            return None
        return os.read(self._handle, _PIECE_BYTES)

    def close(self) -> None:
        """Leave it open."""


class GrowingFile(Incoming):
    """A file that grows; it ends when another takes its name, or when it becomes shorter.

    Parameters
    ----------
    path : str

    Raises
    ------
    InputError
        If there is no such file.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        try:
            self._file = self._path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{path!r} cannot be followed: {error.strerror}.") from error

    def next(self, timeout: float | None = None) -> bytes | None:
        """Wait for bytes; see :meth:`Incoming.next`."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            # Asked before the read: what was written until then is read all the same.
            has_ended = self._has_ended()
            data = self._file.read(_PIECE_BYTES)
            if data or has_ended:
                return data
            if end is not None and time.monotonic() >= end:
                return None
            time.sleep(_LOOK_SECONDS if end is None else min(_LOOK_SECONDS, timeout or 0.0))

    def has_begun(self) -> bool:
        """Wait until there is something to read; false if the file ends before."""
        while not self._has_ended():
            if os.fstat(self._file.fileno()).st_size:
                return True
            time.sleep(_LOOK_SECONDS)
        return bool(os.fstat(self._file.fileno()).st_size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _has_ended(self) -> bool:
        own = os.fstat(self._file.fileno())
        if own.st_size < self._file.tell():
            return True
        try:
            there = self._path.stat()
        except OSError:  # moved away, and the next is not there yet
            return False
        return (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino)


class LiveStream:
    """A stream of text whose reads return what has come, once the beginning of a table has.

    Parameters
    ----------
    incoming : Incoming
        Taken over, and closed with the stream.
    n_lines : int
        How many lines tell how a table is written; of JSON, one does.
    """

    def __init__(self, incoming: Incoming, n_lines: int) -> None:
        self._incoming, self._n_lines = incoming, n_lines
        self._ready, self._cut = b"", b""
        self._is_first = True

    def read(self, size: int = -1) -> bytes:
        """Wait for bytes and return them; fewer than asked for where no more have come.

        Returns
        -------
        bytes
            Empty at the end only. A negative size reads up to the end.
        """
        if self._is_first:
            self._is_first = False
            self._begin()
        if size < 0:
            parts = [self._ready, self._cut]
            while data := self._incoming.next():
                parts.append(data)
            self._ready = self._cut = b""
            return b"".join(parts)
        if not self._ready:
            self._ready, self._cut = self._cut + self._more(size), b""
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def put_back(self, data: bytes) -> None:
        """Have bytes read again."""
        self._ready = data + self._ready

    def close(self) -> None:
        """Close what it comes from."""
        self._incoming.close()

    def _begin(self) -> None:
        """Wait for the first lines, and for what comes along with them."""
        data, has_ended = b"", False
        while len(data) < _SAMPLE_BYTES and not has_ended:
            n_lines = 1 if data.lstrip().startswith(b"{") else self._n_lines
            part = self._incoming.next(_QUIET_SECONDS if data.count(b"\n") >= n_lines else None)
            if part is None:
                break
            has_ended = not part
            data += part
            if codec_of(data) is not None:  # which has no lines
                self._ready = data
                return
        # A line that is cut tells the wrong thing.
        end = len(data) if has_ended else data.rfind(b"\n") + 1
        self._ready, self._cut = data[:end], data[end:]

    def _more(self, size: int) -> bytes:
        """Wait for bytes, and take what has come with them."""
        data = self._incoming.next() or b""
        while data and len(data) < size and (part := self._incoming.next(0.0)):
            data += part
        return data


def _has_come(handle: int, timeout: float) -> bool:
    """Whether there is something to read in time; Windows can tell that of sockets alone."""
    return os.name != "nt" and bool(select.select([handle], [], [], timeout)[0])
