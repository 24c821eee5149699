"""Locks that the operating system lifts when their process ends, however it ends."""

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Seconds to wait for a turn: longer than a model takes to be written.
PATIENCE = 60.0
_PAUSE = 0.005
#: What file systems say that lock no directories.
_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}


@contextlib.contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep others who ask for the same directory waiting.

    The directory itself is locked, so that no file is left behind, and the operating system lifts
    the lock of a process that is killed. Where it has no such locks (Windows, some network file
    systems) nobody waits.

    Parameters
    ----------
    directory : Path
        One that exists.

    Raises
    ------
    OSError
        If it cannot be opened, or somebody else keeps it for a minute.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        _wait_for(handle)
        yield
    finally:
        with contextlib.suppress(OSError):  # also for a child that was forked meanwhile
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def try_lock(handle: int) -> bool | None:
    """Lock an open file or directory, until it is closed.

    Parameters
    ----------
    handle : int
        Its file descriptor.

    Returns
    -------
    bool or None
        False where somebody else has locked it; None where there are no such locks.

    Raises
    ------
    OSError
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def _wait_for(handle: int) -> None:
    until = time.monotonic() + PATIENCE
    while try_lock(handle) is False:
        if time.monotonic() > until:
            raise TimeoutError(
                errno.ETIMEDOUT, "another process has been writing there for a minute"
            )
        time.sleep(_PAUSE)
