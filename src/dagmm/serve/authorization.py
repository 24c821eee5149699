"""Who may ask: everybody, or who bears the token."""

import hmac

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dagmm.serve.errors import error_body
from dagmm.serve.formats import JSON

#: What anybody may ask: whoever watches the process has no token. The page holds no figures.
_OPEN = ("/", "/ping", "/v2/health/live", "/v2/health/ready")


class BearerToken:
    """Answers only who bears the token.

    Parameters
    ----------
    app : ASGI application
    token : str
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, b"bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in _OPEN:
            given = dict(scope["headers"]).get(b"authorization", b"")
            scheme, _, token = given.partition(b" ")
            said = scheme.lower() + b" " + token.strip()
            # In a time that does not tell how much of it is right.
            if not hmac.compare_digest(said, self._expected):
                response = Response(
                    error_body("this service needs a token: Authorization: Bearer TOKEN."),
                    401,
                    {"WWW-Authenticate": "Bearer"},
                    JSON,
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
