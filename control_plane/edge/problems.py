"""Errors answered once: refusals as problem+json, anything else as a plain 500 with a request id in the log."""

import logging

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from store_client.errors import BadRequest, Forbidden, NotFound, PayloadTooLarge, Refused, Unauthorized, Unavailable
from store_client.errors import to_problem as problem_of

MEDIA_TYPE = "application/problem+json; charset=utf-8"
logger = logging.getLogger(__name__)


def answer(error: Refused, instance: str) -> Response:
    """The problem+json response of a refusal."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else None
    return JSONResponse(problem_of(error, instance), error.status, headers, media_type=MEDIA_TYPE)


async def on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - the table of handlers says so
    return answer(error, request.url.path)


async def on_unavailable(request: Request, error: Exception) -> Response:
    """503: the act may have landed; read back."""
    return _plain(request, 503, str(error))


async def on_http(request: Request, error: Exception) -> Response:
    """The framework's own refusals, in our vocabulary: its 404 and 405 are both a path that does not exist."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the table of handlers says so
    kinds: dict[int, type[Refused]] = {401: Unauthorized, 403: Forbidden, 404: NotFound, 405: NotFound}
    kind = {**kinds, 413: PayloadTooLarge}.get(error.status_code, BadRequest)
    detail = f"there is no {request.method} {request.url.path}" if kind is NotFound else error.detail
    return answer(kind(detail), request.url.path)


async def on_fault(request: Request, error: Exception) -> Response:
    """A defect of ours: logged whole, told plainly."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _plain(request, 500, "the server failed on this request; its log says why")


def _plain(request: Request, status: int, detail: str) -> Response:
    title = {500: "Internal server error", 503: "Service unavailable"}[status]
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.url.path}
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def from_validation(error: ValidationError) -> BadRequest:
    """The first few faults of a body or query, each with its place."""
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)[:5]
    ]
    return BadRequest("; ".join(faults))


HANDLERS = {Refused: on_refused, Unavailable: on_unavailable, HTTPException: on_http, Exception: on_fault}
