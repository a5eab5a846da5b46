"""Every call is found by its path, with its parameters; what nobody serves is refused in the protocol's words."""

import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from control_plane.edge.switchboard import Switchboard
from store_client.wire.call import Call
from store_client.wire.calls import CALLS
from tests.wire.live import in_process

PARAMETER = re.compile(r"{(\w+)}")


async def _serve(request: Request) -> Response:
    return PlainTextResponse(str(request.path_params))


def _route(method: str, path: str) -> Route:
    return Route(path, _serve, methods=[method], name=f"{method} {path}")


ROUTES = (
    _route("GET", "/things"),
    _route("GET", "/things/{thing}"),
    _route("PUT", "/things/{thing}"),
    _route("GET", "/things/best"),
    _route("GET", "/things/{owner}/parts/{part}"),
    _route("POST", "/things/best/parts/{piece}"),
    _route("GET", "/things/{again}"),
)


def find(method: str, path: str) -> tuple[str | None, dict[str, str]]:
    """The first of these routes that the switchboard takes for a request, and the parameters it has."""
    scope = {"type": "http", "method": method, "path": path}
    match, found = Switchboard(ROUTES).matches(scope)
    if match is not Match.FULL:
        return None, {}
    return next(route.path for route in ROUTES if route.app is found["endpoint"]), found["path_params"]


@pytest.mark.parametrize(
    ("method", "path", "pattern", "parameters"),
    [
        ("GET", "/things", "/things", {}),
        ("HEAD", "/things", "/things", {}),
        ("GET", "/things/a b", "/things/{thing}", {"thing": "a b"}),
        ("GET", "/things/best", "/things/best", {}),
        ("PUT", "/things/best", "/things/{thing}", {"thing": "best"}),
        ("GET", "/things/best/parts/1", "/things/{owner}/parts/{part}", {"owner": "best", "part": "1"}),
        ("POST", "/things/best/parts/1", "/things/best/parts/{piece}", {"piece": "1"}),
    ],
)
def test_a_route_is_found_by_method_and_segments(
    method: str, path: str, pattern: str, parameters: dict[str, str]
) -> None:
    assert find(method, path) == (pattern, parameters)


@pytest.mark.parametrize("path", ["/", "", "/thing", "/things/", "/things/a/", "/things//parts/1", "/things/a/parts"])
def test_what_has_no_route_is_not_found(path: str) -> None:
    assert Switchboard(ROUTES).matches({"type": "http", "method": "GET", "path": path}) == (Match.NONE, {})


def test_a_path_that_has_other_methods_is_matched_in_part() -> None:
    match, _ = Switchboard(ROUTES).matches({"type": "http", "method": "DELETE", "path": "/things/best"})
    assert match is Match.PARTIAL


def _path(call: Call) -> str:
    return PARAMETER.sub(r"\1-value", call.path)


def _methods(path: str) -> set[str]:
    """The methods of every call that has this path, whether by name or by a parameter."""
    return {call.method for call in CALLS if re.fullmatch(PARAMETER.sub("[^/]+", call.path), path)}


async def test_every_call_is_found_with_its_parameters_and_refused_by_any_other_method(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with in_process(sqlite_url, tmp_path / "data") as http:
        for call in CALLS:
            answer = await http.request(call.method, _path(call))
            said = answer.json()
            assert isinstance(said, list) or "there is no" not in said.get("detail", ""), f"{call.name} is not served"
        for call in CALLS:
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - _methods(_path(call)):
                answer = await http.request(method, _path(call))
                assert answer.status_code == 404, (method, call.path)
                assert answer.json()["type"] == "eden://error/not-found"
                assert answer.json()["detail"] == f"there is no {method} {_path(call)}"
