"""Every address of the console by every role: what each may look at, and that none of them changes more than it may."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx
from starlette.routing import BaseRoute, Mount, Route

from store_client import ExperimentDetail, OperatorRole
from tests.web.world import World

OPEN = {
    "signin", "enter", "enter_with_password", "set_out", "come_back", "join_page", "join", "health", "static", "live",
    "experiment_live",
}  # fmt: skip
LEAVING = {"signout", "end_sessions"}
OF_ADMINISTRATORS = {
    "operators", "operator", "fetch_checkpoint", "health_page", "leases",
    "deployment_workers", "deployment_groups", "deployment_group", "deployment_token",
    "experiments", "new_experiment", "source",
}  # fmt: skip
"""Pages that nobody else may look at."""
OF_DEPLOYMENT = {"queue", "gpus", "job", "job_log", "experiment_jobs", "all_events"}
"""Pages that are not there for somebody who has a role in one experiment alone."""
OF_ONESELF = ("/api/exchange", "/api/account", "/api/sessions", "/api/views")
"""What everybody may change: where they are signed in, their password, and their views of lists."""
ROLES: tuple[OperatorRole, ...] = ("member", "viewer", "operator", "administrator")


@dataclass
class Answers(httpx.AsyncBaseTransport):
    """The line to the control plane, which keeps what was changed."""

    inner: httpx.AsyncBaseTransport
    changed: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if request.method != "GET" and answer.is_success and not request.url.path.startswith(OF_ONESELF):
            self.changed.append(f"{request.method} {request.url.path}")
        return answer


def table(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Every (method, path, name) of the console, in `hello`, with an id that is nowhere for any other parameter."""
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from table(route.routes, prefix + route.path.replace("{experiment}", "hello"))
        elif isinstance(route, Route):
            path = "/".join("x" if part.startswith("{") else part for part in route.path.split("/"))
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            yield method, prefix + path, route.name


def fault(role: str, name: str, answer: httpx.Response, changed: Sequence[str]) -> str:
    """What is wrong with how an address answered somebody with a role; nothing if it is as it should be."""
    if answer.status_code >= 500:
        return f"failed with {answer.status_code}"
    if changed and role != "administrator":  # every id is nowhere, so only what needs no id could have changed
        return f"changed {changed}"
    if answer.request.method == "GET":
        is_closed = name in OF_ADMINISTRATORS and role != "administrator"
        is_closed |= name in OF_DEPLOYMENT and role == "member"
        if is_closed is not (answer.status_code == 403):
            return f"answered {answer.status_code}"
    return ""


async def test_each_role_sees_and_changes_what_it_may_at_every_address(world: World, hello: ExperimentDetail) -> None:
    browsers = {role: await world.person(role, role) for role in ROLES}
    (member,) = [one for one in await world.deployment.list_operators() if one.name == "member"]
    await world.deployment.grant_role(member.operator_id, hello.experiment_id, "viewer")
    world.line.inner = answers = Answers(world.line.inner)
    wrong, managed = [], set()
    addresses = [one for one in table(world.app.routes) if one[2] not in OPEN | LEAVING]
    assert len(addresses) > 80
    for method, path, name in addresses:
        for role, browser in browsers.items():
            answers.changed.clear()
            answer = await browser.request(method, path, data={"name": "x", "role": "ideator", "mode": "manual"})
            assert not answer.headers.get("location", "").startswith("/signin"), (role, path)
            if found := fault(role, name, answer, answers.changed):
                wrong.append((role, method, path, found))
            managed |= {name} if answers.changed else set()
    assert not wrong, wrong
    assert {"pause", "resume", "end", "register_worker", "create_group"} <= managed
