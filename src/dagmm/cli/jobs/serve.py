"""A saved model behind HTTP."""

import ipaddress
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import joblib

from dagmm._core.errors import ArgumentError, MissingExtraError
from dagmm.cli.terminal import keep_interrupts, note
from dagmm.inference.persistence.directory import load_model

#: The token, where no file holds it.
TOKEN_VARIABLE = "DAGMM_SERVE_TOKEN"
_LEAST_TOKEN = 16


@dataclass(frozen=True)
class ServeJob:
    """What the service needs to know.

    Parameters
    ----------
    model : str
        Directory of a saved model.
    host : str
    port : int
        0 for any that is free.
    name : str or None
        What the model is called in addresses; by default the name of its directory.
    workers : int
    threads : int or None
        Of each worker; by default its share of the cores.
    queue : int
    max_body : int
        Megabytes.
    max_rows, max_columns : int
    timeout : float
        Seconds.
    token_file : str or None
    reload : float or None
        Seconds between two looks for another model; None for never.
    quiet : bool
    """

    model: str
    host: str = "127.0.0.1"
    port: int = 8000
    name: str | None = None
    workers: int = 1
    threads: int | None = None
    queue: int = 64
    max_body: int = 16
    max_rows: int = 100_000
    max_columns: int = 10_000
    timeout: float = 30.0
    token_file: str | None = None
    reload: float | None = 1.0
    quiet: bool = False


def serve_model(job: ServeJob) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises
    ------
    MissingExtraError
        Without the ``serve`` extra.
    DAGMMError, OSError
    """
    keep_interrupts()
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise MissingExtraError(
            "serve needs the 'serve' extra: pip install \"dagmm[serve]\"."
        ) from error
    del starlette, uvicorn
    from dagmm.serve.limits import Limits
    from dagmm.serve.settings import Settings
    from dagmm.serve.workers import listen, serve

    token = _token(job.token_file)
    _ = load_model(job.model).model.table_encoder  # what cannot be served is said before all else
    threads = job.threads or max(1, joblib.cpu_count() // job.workers)
    limits = Limits(
        job.max_body * 2**20, job.max_rows, job.max_columns, job.timeout, threads, job.queue
    )
    name = job.name or Path(job.model).resolve().name
    if not name or "/" in name:
        raise ArgumentError(f"--name must be a name without a slash, got {name!r}.")
    with listen(job.host, job.port) as listening:
        host, port = listening.getsockname()[:2]
        if token is None and not ipaddress.ip_address(host).is_loopback:
            note(
                f"whoever reaches {host} may ask this service; --token-file has it ask for a "
                "token.",
                job.quiet,
            )
        address = f"[{host}]" if ":" in host else host
        note(f"serving {job.model!r} as {name!r} at http://{address}:{port}/", job.quiet)
        settings = Settings(job.model, name, limits, token, job.reload)
        serve(settings, listening, job.workers, logging.ERROR if job.quiet else logging.INFO)


def _token(file: str | None) -> str | None:
    """Return the token of a file, or else of the environment."""
    where = f"--token-file {file}" if file is not None else f"the variable {TOKEN_VARIABLE}"
    text = os.environ.get(TOKEN_VARIABLE) if file is None else _read_token(file)
    if text is None:
        return None
    token = text.strip()
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ArgumentError(
            f"{where} must hold a token of at least {_LEAST_TOKEN} ASCII characters without "
            "spaces, such as `openssl rand -hex 32` writes one."
        )
    return token


def _read_token(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"--token-file {file} is not text.") from error
