"""A peer: our own control plane with everything but the protocol taken away, and another with others' liberties."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

NOT_FOUND = {"type": "eden://error/not-found", "title": "Not found", "status": 404, "detail": "nothing is here"}
VENDOR = {"x_vendor": {"anything": [1, None]}}


def only_the_protocol(app: ASGIApp) -> ASGIApp:
    """The application as a server that knows nothing but `/v0`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_protocol = scope["type"] != "http" or scope["path"].startswith("/v0/")
        answer = app if is_protocol else JSONResponse(NOT_FOUND, 404, media_type="application/problem+json")
        await answer(scope, receive, send)

    return serve


class Liberal(httpx.AsyncBaseTransport):
    """A way to a peer that answers as the protocol lets it, and nowhere as we do."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith(("/events", "/events/subscribe")):
            return await self._events(request)
        if path == "/api":
            return httpx.Response(401, text="<html>who are you?</html>", headers={"content-type": "text/html"})
        if request.method == "GET" and path.endswith("/dispatch_mode"):
            return _json(NOT_FOUND, 404)
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return await self._changed(request, response)

    async def _changed(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        path, method = request.url.path, request.method
        if method == "POST" and path.endswith("/tasks") and response.status_code == 409:
            return await self._live_task(request, response)
        is_json = response.headers.get("content-type", "").startswith("application/json")
        if not response.is_success or not is_json:
            return response
        if path.endswith("/mark-ready") or (method == "POST" and path.endswith("/variants")):
            return httpx.Response(200)
        if "/members" in path:
            return httpx.Response(204)
        if path.endswith("/submission"):
            return _json({"task_id": path.split("/")[-2], "payload": response.json()} | VENDOR)
        return _chunked(json.dumps(_loosened(path, response.json())).encode())

    async def _live_task(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """The task that there is already, instead of a refusal."""
        wanted = json.loads(request.content)
        listing = httpx.Request("GET", request.url, headers=_only_credentials(request))
        found = await self._inner.handle_async_request(listing)
        live = [
            task
            for task in json.loads(await found.aread())
            if task["payload"] == wanted["payload"] and task["state"] not in {"completed", "failed"}
        ]
        return _json(live[0]) if live and response.json()["type"].endswith("already-exists") else response

    async def _events(self, request: httpx.Request) -> httpx.Response:
        """Events with one of a vendor's behind each, so that the cursors differ; a subscriber is never kept waiting."""
        cursor = int(request.url.params.get("cursor", 0))
        url = request.url.copy_with(path=request.url.path.removesuffix("/subscribe"), params={"cursor": cursor // 2})
        response = await self._inner.handle_async_request(httpx.Request("GET", url, headers=_only_credentials(request)))
        if response.status_code != 200:
            await response.aread()
            return response
        doubled = [each for event in json.loads(await response.aread())["events"] for each in (event, _vendor(event))]
        events = doubled[cursor % 2 :]
        return _json({"events": events, "cursor": cursor + len(events)})


def _vendor(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **event,
        "event_id": f"{event['event_id']}-v",
        "type": "vendor.noted",
        "data": {"task_id": 7},
        "sequence": 9,
    }


def _loosened(path: str, value: Any) -> Any:
    """Fields nobody asked for, nulls and empty lists for what is absent, and lists inside objects."""
    if isinstance(value, list):
        items = [_loosened(path, item) for item in value]
        return {"ideas": items} if path.endswith("/ideas") else items
    if "idea_id" in value and "slug" in value:
        return {**value, "warnings": [], "intended_executor": value.get("intended_executor")} | VENDOR
    if "task_id" in value:
        return {"target": None, "claim": None, **_without(value, "created_by", "submitted_by")} | VENDOR
    if "variant_id" in value:
        return {"branch": None, "evaluation": None, **_without(value, "executed_by")} | VENDOR
    return _without(value, "imported_from", "registered_by") | VENDOR


def _without(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key not in keys}


def _only_credentials(request: httpx.Request) -> dict[str, str]:
    return {key: request.headers[key] for key in ("authorization", "x-eden-experiment-id", "host")}


def _json(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=value)


def _chunked(content: bytes) -> httpx.Response:
    """The same bytes with no length said beforehand."""

    async def pieces() -> Any:
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    return httpx.Response(200, content=pieces(), headers={"content-type": "application/json"})
