"""The whole surface of the console, on one page."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from store_client import NotOffered, Unreachable
from web_ui.active import Here, resolve_active_experiment
from web_ui.gates import SAFE_METHODS
from web_ui.offers import BEYOND
from web_ui.pages import (
    account,
    admin_dispatch,
    admin_operators,
    artifacts,
    code,
    compare,
    desks,
    diff,
    dispatch_acts,
    drafting,
    endings,
    evaluator,
    executor,
    home,
    ideas,
    ideator,
    join,
    lineage,
    linking,
    metrics,
    operator,
    overview_acts,
    overview_facts,
    parents,
    provider,
    reference,
    signin,
    streams,
    task,
    task_acts,
    tasks,
    variants,
    variants_csv,
    work,
)
from web_ui.rooms import finding, making, people, queueing, running, tidying, watching
from web_ui.static_files import ChecksummedFiles
from web_ui.visit import Visit

OPEN_PATHS = (
    "/signin", "/signin/password", "/signin/provider", "/signin/provider/callback", "/join", "/static/", "/health",
)  # fmt: skip
"""What a browser may ask for without being signed in; everything else is closed."""

UNSCOPED = ("ideator", "executor", "evaluator", "ideas", "variants", "tasks")
"""Addresses that name no experiment lead to the active one's page."""


def routes(static: Path) -> list[BaseRoute]:
    """Every page, act and stream."""
    return [
        *_doors(static),
        *_deployment(),
        *_accounts(),
        Mount("/e/{experiment}", routes=_experiment()),
        *(Route(f"/{name}", _to_active(name), methods=["GET"]) for name in UNSCOPED),
    ]


def _doors(static: Path) -> list[BaseRoute]:
    return [
        Route("/signin", signin.show, methods=["GET"], name="signin"),
        Route("/signin", _bare(signin.enter), methods=["POST"], name="enter"),
        Route("/signin/password", _bare(signin.enter_with_password), methods=["POST"], name="enter_with_password"),
        Route("/signin/provider", provider.set_out, methods=["GET"], name="set_out"),
        Route("/signin/provider/callback", provider.come_back, methods=["GET"], name="come_back"),
        Route("/join", join.show, methods=["GET"], name="join_page"),
        Route("/join", _bare(join.join), methods=["POST"], name="join"),
        _act("/signout", signin.leave, "signout"),
        Route("/health", streams.health, methods=["GET"], name="health"),
        Mount("/static", ChecksummedFiles(static), name="static"),
    ]


def _accounts() -> list[BaseRoute]:
    """One's own account, and everybody's for administrators."""
    return [
        _page("/account", account.show, "account"),
        _act("/account/password", account.change_password, "change_password"),
        _page("/account/provider", linking.show, "linking"),
        _page("/account/provider/go", linking.set_out, "set_out_to_link"),
        _act("/account/provider/link", linking.link, "link_provider"),
        _act("/account/provider/unlink", linking.unlink, "unlink_provider"),
        _act("/account/sessions/end", account.end_sessions, "end_sessions"),
        _act("/account/sessions/{session}/end", account.end_session, "end_session"),
        _page("/admin/operators", admin_operators.index, "operators"),
        _act("/admin/operators/invite", admin_operators.invite, "invite"),
        _act("/admin/invitations/{invitation}/revoke", admin_operators.revoke, "revoke_invitation"),
        _page("/admin/operators/{operator}", operator.show, "operator"),
        _act("/admin/operators/{operator}/change", operator.change, "change_operator"),
        _act("/admin/operators/{operator}/grant", operator.grant, "grant_role"),
        _act("/admin/operators/{operator}/withdraw", operator.withdraw, "withdraw_role"),
        _act("/admin/operators/{operator}/reset", operator.reset, "reset_password"),
        _act("/admin/operators/{operator}/disable", operator.disable, "disable_operator"),
        _act("/admin/operators/{operator}/enable", operator.enable, "enable_operator"),
        _act("/admin/operators/{operator}/sessions/end", operator.end_sessions, "revoke_sessions"),
        _act("/admin/operators/{operator}/sessions/{session}/end", operator.end_session, "revoke_session"),
    ]


def _deployment() -> list[BaseRoute]:
    return [
        _page("/", home.show, "home"),
        _page("/live", streams.follow, "live"),
        _page("/docs", reference.show, "reference"),
        _page("/docs/openapi.json", reference.openapi, "openapi"),
        *(_page(*row) for row in (*making.PAGES, *finding.PAGES, *watching.EVERYWHERE, *queueing.PAGES, *people.PAGES)),
        *(_act(*row) for row in (*making.ACTS, *queueing.ACTS, *people.ACTS)),
        _page("/work", work.everywhere, "all_work"),
    ]


def _experiment() -> list[BaseRoute]:
    return [
        _in("/", overview_facts.show, "overview"),
        _do("/select", overview_acts.select, "select"),
        _do("/pause", overview_acts.pause, "pause"),
        _do("/resume", overview_acts.resume, "resume"),
        _do("/end", overview_acts.end, "end"),
        _do("/automation", overview_acts.automate, "automation"),
        _in("/ideas", ideas.index, "ideas"),
        _in("/ideas/{idea}", ideas.show, "idea"),
        _in("/variants", variants.index, "variants"),
        _in("/variants.csv", variants_csv.download, "variants_csv"),
        _in("/metrics", metrics.show, "metrics"),
        _in("/variants/{variant}", variants.show, "variant"),
        _in("/tasks", tasks.index, "tasks"),
        _in("/tasks/{task}", task.show, "task"),
        _do("/tasks/{task}/reassign", task_acts.reassign, "reassign"),
        _do("/tasks/{task}/take-back", task_acts.take_back, "take_back"),
        _in("/artifacts", artifacts.download, "artifact"),
        *_lineage(),
        *_desks(),
        *_admin(),
        *(
            _in(*row)
            for row in (
                *running.PAGES,
                *finding.INSIDE,
                *watching.INSIDE,
                *queueing.INSIDE,
                *people.PAGES_INSIDE,
                *tidying.PAGES,
            )
        ),
        *(_do(*row) for row in (*running.ACTS, *finding.ACTS, *people.ACTS_INSIDE, *tidying.ACTS)),
    ]


def _lineage() -> list[BaseRoute]:
    """Where variants come from, and what is in them."""
    return [
        _in("/lineage", lineage.show, "lineage"),
        _in("/lineage/data", lineage.data, "lineage_data"),
        _in("/variants/{variant}/diff", diff.show, "diff"),
        _in("/compare", compare.show, "compare"),
        _in("/code/{commit}", code.show, "code"),
        _in("/code/{commit}/raw", code.raw, "raw"),
        _in("/artifacts/view", artifacts.show, "artifact_view"),
        _in("/artifacts/picture", artifacts.inline, "artifact_picture"),
    ]


def _desks() -> list[BaseRoute]:
    """Each desk: pending, then one claimed task to draft and submit."""
    return [
        _in("/ideator", ideator.index, "ideator"),
        _in("/ideator/{task}", ideator.show, "ideator_task"),
        _sent("/ideator/{task}/submit", ideator.submit, "submit_ideas"),
        _in("/ideator/{task}/parents", parents.index, "choose_parents"),
        _do("/ideator/{task}/parents/choose", parents.choose, "build_on"),
        _in("/executor", executor.index, "executor"),
        _in("/executor/{task}", executor.show, "executor_task"),
        _sent("/executor/{task}/submit", executor.submit, "submit_execution"),
        _do("/executor/{task}/git-password", executor.git_password, "git_password"),
        _in("/evaluator", evaluator.index, "evaluator"),
        _in("/evaluator/{task}", evaluator.show, "evaluator_task"),
        _sent("/evaluator/{task}/submit", evaluator.submit, "submit_evaluation"),
        _do("/evaluator/{task}/git-password", evaluator.git_password, "evaluation_password"),
        _do("/desk/{task}/claim", desks.claim, "claim"),
        _do("/desk/{task}/extend", desks.extend, "extend"),
        _do("/desk/{task}/release", desks.release, "release"),
        _do("/desk/{task}/run", desks.run, "run_on_queue"),
        _do("/desk/{task}/forget", drafting.forget, "forget_draft"),
        _in("/desk/{task}/submitted", endings.landed, "landed"),
        _in("/work", work.inside, "work"),
    ]


def _admin() -> list[BaseRoute]:
    return [
        _in("/admin/dispatch", admin_dispatch.index, "dispatch"),
        _do("/admin/dispatch/change", admin_dispatch.change, "change_dispatch"),
        _do("/admin/dispatch/take", dispatch_acts.take, "take_decision"),
    ]


def _offered(visit: Visit, name: str) -> None:
    """NotOffered when the server behind this console cannot do what a route is for."""
    if name in BEYOND and not visit.offers.is_ours:
        raise NotOffered(f"this server does not offer {BEYOND[name]}")


Serving = Callable[[Request], Awaitable[Response]]
Visiting = Callable[[Visit], Awaitable[Response]]
Inside = Callable[[Here], Awaitable[Response]]


def _bare(handler: Serving) -> Serving:
    async def serve(request: Request) -> Response:
        try:
            return await handler(request)
        finally:
            await request.close()  # lets go of the files that came with a form
            if request.method not in SAFE_METHODS:
                request.state.console.factory.acted()  # also where nobody knows whether the act landed

    return serve


def _visiting(handler: Visiting, name: str) -> Serving:
    async def serve(request: Request) -> Response:
        visit = await Visit.entered(request)
        _offered(visit, name)
        return await handler(visit)

    return _bare(serve)


def _inside(handler: Inside, name: str) -> Serving:
    async def serve(request: Request) -> Response:
        visit = await Visit.entered(request)
        _offered(visit, name)
        return await handler(await resolve_active_experiment(visit))

    return _bare(serve)


def _page(path: str, handler: Visiting, name: str) -> Route:
    return Route(path, _visiting(handler, name), methods=["GET"], name=name)


def _act(path: str, handler: Visiting, name: str) -> Route:
    return Route(path, _visiting(handler, name), methods=["POST"], name=name)


def _in(path: str, handler: Inside, name: str) -> Route:
    return Route(path, _inside(handler, name), methods=["GET"], name=name)


def _do(path: str, handler: Inside, name: str) -> Route:
    return Route(path, _inside(handler, name), methods=["POST"], name=name)


def _sent(path: str, handler: Inside, name: str) -> Route:
    """Handing something in: when nobody answers, what was entered is shown with a way to send it again."""
    inside = _inside(handler, name)

    async def serve(request: Request) -> Response:
        try:
            return await inside(request)
        except Unreachable as silence:
            return await endings.silent(Visit.of(request), silence)

    return Route(path, _bare(serve), methods=["POST"], name=name)


def _to_active(name: str) -> Serving:
    async def serve(request: Request) -> Response:
        here = await resolve_active_experiment(await Visit.entered(request))
        return RedirectResponse(here.url(name), 303)

    return serve
