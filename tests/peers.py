"""A peer: our own control plane with everything but the protocol taken away, and others' liberties with it."""


from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

NOT_FOUND = {"type": "eden://error/not-found", "title": "Not found", "status": 404, "detail": "nothing is here"}


def only_the_protocol(app: ASGIApp) -> ASGIApp:
    """The application as a server that knows nothing but `/v0`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_protocol = scope["type"] != "http" or scope["path"].startswith("/v0/")
        answer = app if is_protocol else JSONResponse(NOT_FOUND, 404, media_type="application/problem+json")
        await answer(scope, receive, send)

    return serve
