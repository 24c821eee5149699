"""One process of the service: uvicorn around the application."""

import contextlib
import logging
import multiprocessing
import socket
import sys
import warnings
from collections import OrderedDict
from typing import TextIO

import uvicorn

from dagmm._core.visible import visible_line
from dagmm.serve.app import application
from dagmm.serve.settings import Settings

_LOG = logging.getLogger("dagmm.serve")
#: Seconds that a connection without a request stays open: longer than load balancers reuse one.
_KEEP_ALIVE = 75
#: Doubts about requests that are remembered, so that each is logged but once.
_MOST_DOUBTS = 256


def run_process(settings: Settings, listening: socket.socket, level: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that have come are answered first.

    Parameters
    ----------
    settings : Settings
    listening : socket
    level : int
        Of what is logged.

    Raises
    ------
    ModelFileError, ArgumentError
        If the model cannot be served.
    """
    served = application(settings)
    log_to_stderr(level)
    _log_doubts()
    server = uvicorn.Server(
        uvicorn.Config(
            served,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=int(settings.limits.seconds) + 5,
            callback_notify=lambda: _stop_with_parent(server),
            timeout_notify=1,
        )
    )
    # uvicorn sends itself the signal again when all is done, for whoever called it.
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run([listening])


def log_to_stderr(level: int) -> None:
    """Log one line an event."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


async def _stop_with_parent(server: uvicorn.Server) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        server.should_exit = True


def _log_doubts() -> None:
    """Log what is doubtful about tables of requests, each but once, in bounded memory."""
    seen: OrderedDict[str, None] = OrderedDict()

    def log(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = str(message)
        if text not in seen:
            seen[text] = None
            _LOG.warning("%s", visible_line(" ".join(text.split())))
        while len(seen) > _MOST_DOUBTS:
            seen.popitem(last=False)

    # "always" keeps no list of what was said, which would grow with each odd request.
    warnings.simplefilter("always")
    warnings.showwarning = log
