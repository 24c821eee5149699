"""The addresses of the service, on starlette."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from dagmm.serve.answers import Call
from dagmm.serve.authorization import BearerToken
from dagmm.serve.errors import RequestError, error_body
from dagmm.serve.formats import JSON
from dagmm.serve.json_rows import json_bytes
from dagmm.serve.limits import Deadline
from dagmm.serve.model import Served
from dagmm.serve.page import PAGE_HEADERS, page_bytes
from dagmm.serve.prometheus import CONTENT_TYPE, metrics_text
from dagmm.serve.service import Service
from dagmm.serve.settings import Settings
from dagmm.serve.status import status_of
from dagmm.serve.v2 import model_metadata, server_metadata

_LOG = logging.getLogger("dagmm.serve")


def application(settings: Settings) -> Starlette:
    """Return the application of one process; the model is loaded at once.

    Raises
    ------
    ModelFileError, ArgumentError
    """
    service = Service(settings)
    handlers = _Handlers(service)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = Starlette(
        routes=handlers.routes(),
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _refused,
            RequestError: _refused_by_us,
            Exception: _failed,
        },
    )
    if settings.token is not None:
        app.add_middleware(BearerToken, token=settings.token)
    return app


class _Handlers:
    """What is asked at each address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._page = page_bytes()

    def routes(self) -> list[Route]:
        get = ["GET"]
        model, versioned = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
        routes = [
            Route("/", self.page, methods=get),
            Route("/ping", self.ready, methods=get),
            Route("/status", self.status, methods=get),
            Route("/metrics", self.metrics, methods=get),
            Route("/v2", self.server, methods=get),
            Route("/v2/health/live", self.live, methods=get),
            Route("/v2/health/ready", self.ready, methods=get),
            Route("/score", self.answering("score"), methods=["POST"]),
            Route("/invocations", self.answering("invocations"), methods=["POST"]),
            Route("/explain", self.answering("explain"), methods=["POST"]),
        ]
        for path in (model, versioned):
            routes += [
                Route(path, self.model, methods=get),
                Route(f"{path}/ready", self.model_ready, methods=get),
                Route(f"{path}/infer", self.answering("infer"), methods=["POST"]),
            ]
        return routes

    def answering(self, endpoint: str) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers requests that have a body."""

        async def handler(request: Request) -> Response:
            began = time.perf_counter()
            try:
                response = await self._answered(endpoint, request)
            except ClientDisconnect:
                response = Response(status_code=499)  # that nobody will see
            except RequestError as error:
                response = _error(error)
            except Exception:
                _LOG.exception("a request could not be answered")
                response = _internal()
            seconds = time.perf_counter() - began
            self._service.figures.answered(endpoint, response.status_code, seconds)
            return response

        return handler

    async def _answered(self, endpoint: str, request: Request) -> Response:
        service = self._service
        limits = service.settings.limits
        deadline = Deadline(limits.seconds)
        served = service.holder.served
        _check_path(request, served)
        _check_encoding(request)
        service.slots.take()
        try:
            body = await self._body(request, deadline)
            call = Call(body, request.headers, request.query_params, served, limits, deadline)
        except BaseException:
            service.slots.free()
            raise
        answer = await service.answer(endpoint, call)
        headers = {"Model-Version": served.version, **answer.headers}
        return Response(answer.body, media_type=answer.media, headers=headers)

    async def _body(self, request: Request, deadline: Deadline) -> bytes:
        limits = self._service.settings.limits
        said = request.headers.get("content-length", "0")
        limits.check_body(int(said) if said.isdecimal() else 0)
        parts, n_bytes = [], 0
        try:
            async with asyncio.timeout(deadline.left):
                async for part in request.stream():
                    n_bytes += len(part)
                    limits.check_body(n_bytes)
                    parts.append(part)
        except TimeoutError:
            raise RequestError(
                408, f"the body did not come within {limits.seconds:g} seconds (--timeout)."
            ) from None
        return b"".join(parts)

    async def page(self, request: Request) -> Response:
        return Response(self._page, media_type="text/html", headers=PAGE_HEADERS)

    async def status(self, request: Request) -> Response:
        state = await asyncio.to_thread(status_of, self._service)
        return _json(state, {"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        def text() -> str:
            service = self._service
            served = service.holder.served
            return metrics_text(service.exchange.all(), served, service.slots.taken)

        return Response(await asyncio.to_thread(text), headers={"Content-Type": CONTENT_TYPE})

    async def server(self, request: Request) -> Response:
        return _json(server_metadata())

    async def live(self, request: Request) -> Response:
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        return _json({"ready": True})

    async def model(self, request: Request) -> Response:
        served = self._service.holder.served
        _check_path(request, served)
        return _json(model_metadata(served))

    async def model_ready(self, request: Request) -> Response:
        served = self._service.holder.served
        _check_path(request, served)
        return _json({"name": served.name, "ready": True})


def _check_path(request: Request, served: Served) -> None:
    """Check that a request names the model that is served, where it names one."""
    name = request.path_params.get("name", served.name)
    if name != served.name:
        raise RequestError(404, f"there is no model {name!r}; this service has {served.name!r}.")
    version = request.path_params.get("version", served.version)
    if version != served.version:
        raise RequestError(
            404, f"there is no version {version!r}; that of the model is {served.version!r}."
        )


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise RequestError(415, f"content encoding {encoding!r} is not taken; send it plain.")


def _json(value: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json_bytes(value), media_type=JSON, headers=headers)


def _error(error: RequestError) -> Response:
    headers = {"Retry-After": "1"} if error.status == 503 else None
    return Response(error_body(str(error)), error.status, headers, JSON)


def _internal() -> Response:
    message = "the request could not be answered; the log of the service says why."
    return Response(error_body(message), 500, None, JSON)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for it"
    return Response(error_body(f"{error.detail}."), error.status_code, error.headers, JSON)


async def _refused_by_us(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError), "registered for it"
    return _error(error)


async def _failed(request: Request, error: Exception) -> Response:
    return _internal()
