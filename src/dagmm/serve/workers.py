"""Several processes that share a socket, and nothing else but the model's directory."""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from dagmm._core.errors import ArgumentError
from dagmm.serve.process import log_to_stderr, run_process
from dagmm.serve.settings import Settings

_LOG = logging.getLogger("dagmm.serve")
#: A process that ends sooner after its start would end again.
_LEAST_SECONDS = 2.0
_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens: who connects before a process is ready waits.

    Raises
    ------
    ArgumentError
        If the address cannot be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # By name TCP: else answers wait for 40 ms, as asyncio sends at once on such sockets only.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # where it does not let two programs have one port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        return listening
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArgumentError(
            f"--host {host} --port {port} cannot be listened on: {reason}."
        ) from error


def serve(settings: Settings, listening: socket.socket, n_workers: int, level: int) -> None:
    """Serve until SIGTERM or Ctrl-C, in this process or in several others.

    A process that dies is replaced. The others go on; what it was working on is lost.

    Parameters
    ----------
    settings : Settings
    listening : socket
    n_workers : int
    level : int
        Of what is logged.

    Raises
    ------
    ModelFileError, ArgumentError
        If the model cannot be served.
    RuntimeError
        If processes die as soon as they are started.
    """
    if n_workers == 1:
        run_process(settings, listening, level)
        return
    log_to_stderr(level)
    with tempfile.TemporaryDirectory(prefix="dagmm-serve-") as exchange:
        _supervise(replace(settings, exchange=exchange), listening, n_workers, level)


def _supervise(settings: Settings, listening: socket.socket, n_workers: int, level: int) -> None:
    # Not forked: threads of this process would be missing there.
    context = multiprocessing.get_context("spawn")
    begun: dict[SpawnProcess, float] = {}

    def start() -> None:
        process = context.Process(target=run_process, args=(settings, listening, level))
        process.start()
        begun[process] = time.monotonic()

    try:
        for _ in range(n_workers):
            start()
        while True:
            wait([process.sentinel for process in begun])
            for process in [one for one in begun if not one.is_alive()]:
                lived = time.monotonic() - begun.pop(process)
                _LOG.error("process %s ended with %s", process.pid, process.exitcode)
                if lived < _LEAST_SECONDS:
                    raise RuntimeError(
                        f"process {process.pid} of the service ended {lived:.1f} seconds after "
                        "its start; the log says why."
                    )
                start()
    except (KeyboardInterrupt, SystemExit):
        _LOG.info("stopping")
    finally:
        # Told once is enough: who tells a whole group of processes, and this one too, tells twice.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for process in begun:
            process.terminate()
        for process in begun:
            process.join(settings.limits.seconds + 10)
            process.kill()
