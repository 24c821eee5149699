"""Compiled programs are kept on disk, so that the next process need not compile them again.

JAX does the keeping; this says where, once, before the first program is compiled.
"""

import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import jax
import platformdirs

#: Environment variable that names another folder; set to nothing, no programs are kept.
VARIABLE = "DAGMM_CACHE_DIR"
#: When programs are first asked for and there are more bytes of them, the oldest are deleted.
MOST_BYTES = 2**28


def folder() -> Path | None:
    """Return where programs are kept unless JAX was told a folder; None where they are not."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return platformdirs.user_cache_path("dagmm", appauthor=False) / "programs"
    return Path(wanted).expanduser() / "programs" if wanted else None


@cache
def keep_programs() -> None:
    """Have programs kept from here on, once in a process.

    A folder that the user gave to JAX stays, with all that belongs to it. A folder that cannot be
    made or written to is no reason to fail, nor to say so at every program.
    """
    config: Any = jax.config
    where = folder()
    if where is None or config.jax_compilation_cache_dir is not None:
        return
    try:
        # Programs are run as they are read: nobody else is to write them.
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        prune(where, MOST_BYTES)
    except OSError:
        return
    for failure in ("reading", "writing"):
        warnings.filterwarnings("ignore", f"Error {failure} persistent compilation cache entry")
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    config.update("jax_compilation_cache_dir", str(where))


def prune(where: Path, most_bytes: int) -> None:
    """Delete the files of a folder that were used longest ago, until they have few enough bytes.

    Raises
    ------
    OSError
        If the folder cannot be read; a file that cannot be deleted, or was by another process,
        is left alone.
    """
    found = []
    for path in where.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    excess = sum(size for _, size, _ in found) - most_bytes
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        try:
            path.unlink()
        except OSError:
            continue
        excess -= size
