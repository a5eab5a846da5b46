"""Calls about workers, groups, sessions and the exchange."""

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.paces import PaceList
from store_client.wire.workers import (
    AddMember,
    EndSession,
    Exchange,
    Exchanged,
    Group,
    GroupList,
    RegisteredWorker,
    RegisterGroup,
    RegisterWorker,
    Session,
    SignIn,
    SignInCode,
    Whoami,
    Worker,
    WorkerDetail,
    WorkerDetailList,
    WorkerList,
)

P = "/v0/experiments/{experiment_id}"
C = "/v0/control"
A = "/api/experiments/{experiment_id}"


class NameFilter(Query):
    name: str | None = None


class WorkerQuery(Query):
    """Which workers; without a limit, all of them."""

    q: str | None = Field(default=None, max_length=200, description="part of a name, an id or a label, in any case")
    limit: int | None = Field(default=None, ge=1, le=500)
    after: str | None = Field(default=None, max_length=200, description="the `next` of the page before")
    worker_id: str | None = Field(default=None, max_length=200, description="this one alone")


def _registry(prefix: str, tag: str, gates: tuple[Who, Who]) -> tuple[Call, ...]:
    """The registry of workers and groups under one prefix: (who reads, who writes)."""
    reads, writes = gates
    workers, groups = prefix + "/workers", prefix + "/groups"
    return (
        Call(f"register_{tag}worker", "POST", workers, writes, "Register a worker",
             body=RegisterWorker, answer=RegisteredWorker, body_is_optional=True),
        Call(f"list_{tag}workers", "GET", workers, reads, "List workers", query=NameFilter, answer=WorkerList),
        Call(f"read_{tag}worker", "GET", workers + "/{worker_id}", reads, "Read a worker", answer=Worker),
        Call(f"reissue_{tag}credential", "POST", workers + "/{worker_id}/reissue-credential", writes,
             "Replace a worker's token", answer=RegisteredWorker),
        Call(f"register_{tag}group", "POST", groups, writes, "Register a group",
             body=RegisterGroup, answer=Group, body_is_optional=True),
        Call(f"list_{tag}groups", "GET", groups, reads, "List groups", query=NameFilter, answer=GroupList),
        Call(f"read_{tag}group", "GET", groups + "/{group_id}", reads, "Read a group", answer=Group),
        Call(f"add_to_{tag}group", "POST", groups + "/{group_id}/members", writes, "Add a member",
             body=AddMember, answer=Group, is_answer_optional=True),
        Call(f"remove_from_{tag}group", "DELETE", groups + "/{group_id}/members/{member_id}", writes,
             "Remove a member", answer=Group, is_answer_optional=True),
        Call(f"delete_{tag}group", "DELETE", groups + "/{group_id}", writes, "Delete a group", status=204),
    )  # fmt: skip


(
    REGISTER_WORKER, LIST_WORKERS, READ_WORKER, REISSUE_CREDENTIAL, REGISTER_GROUP, LIST_GROUPS, READ_GROUP,
    ADD_TO_GROUP, REMOVE_FROM_GROUP, DELETE_GROUP,
) = EXPERIMENT_REGISTRY = _registry(P, "", (Who.EITHER, Who.ADMIN))  # fmt: skip
DEPLOYMENT_REGISTRY = _registry(C, "deployment_", (Who.ADMIN, Who.ADMIN))
CONSOLE_REGISTRY = _registry(A, "experiment_", (Who.EITHER, Who.ADMIN_OR_ADMINS))
REGISTER_DEPLOYMENT_WORKER = DEPLOYMENT_REGISTRY[0]
(
    REGISTER_EXPERIMENT_WORKER, _LIST, READ_EXPERIMENT_WORKER, REISSUE_EXPERIMENT_CREDENTIAL,
    REGISTER_EXPERIMENT_GROUP, LIST_EXPERIMENT_GROUPS, READ_EXPERIMENT_GROUP, ADD_TO_EXPERIMENT_GROUP,
    REMOVE_FROM_EXPERIMENT_GROUP, DELETE_EXPERIMENT_GROUP,
) = CONSOLE_REGISTRY  # fmt: skip

WHOAMI = Call("whoami", "GET", P + "/whoami", Who.WORKER, "Who this bearer is", answer=Whoami)
DEPLOYMENT_WHOAMI = Call(
    "deployment_whoami", "GET", C + "/whoami", Who.WORKER, "Who this bearer is", answer=Whoami, is_for_members=True
)

LIST_WORKER_DETAILS = Call(
    "list_worker_details", "GET", A + "/worker-details", Who.EITHER,
    "List workers with last seen, groups and claims", query=WorkerQuery, answer=WorkerDetailList,
)  # fmt: skip
LIST_DEPLOYMENT_WORKER_DETAILS = Call(
    "list_deployment_worker_details", "GET", "/api/worker-details", Who.ADMIN_OR_ADMINS,
    "List the deployment's workers with last seen and groups", query=WorkerQuery, answer=WorkerDetailList,
)  # fmt: skip

READ_WORKER_PACES = Call(
    "read_worker_paces", "GET", A + "/workers/{worker_id}/paces", Who.EITHER,
    "How many tasks of each kind a worker handed in, and how long they took it", answer=PaceList,
)  # fmt: skip


def _switches(prefix: str, tag: str) -> tuple[Call, Call]:
    """Disabling and enabling the workers under one prefix."""
    path = prefix + "/workers/{worker_id}/"
    return (
        Call(f"disable_{tag}worker", "POST", path + "disable", Who.ADMIN_OR_ADMINS,
             "Take none of a worker's credentials any more", answer=WorkerDetail),
        Call(f"enable_{tag}worker", "POST", path + "enable", Who.ADMIN_OR_ADMINS,
             "Take a disabled worker's token again", answer=WorkerDetail),
    )  # fmt: skip


DISABLE_EXPERIMENT_WORKER, ENABLE_EXPERIMENT_WORKER = EXPERIMENT_SWITCHES = _switches(A, "experiment_")
DISABLE_DEPLOYMENT_WORKER, ENABLE_DEPLOYMENT_WORKER = DEPLOYMENT_SWITCHES = _switches("/api", "deployment_")

EXCHANGE = Call(
    "exchange", "POST", "/api/exchange", Who.WORKER,
    "Get a short-lived identity: one's own, or (consoles) that of a session's operator",
    body=Exchange, answer=Exchanged,
)  # fmt: skip
SIGN_IN = Call(
    "sign_in", "POST", "/api/sessions", Who.ADMIN_OR_CONSOLES, "Trade a one-time code for a session",
    body=SignIn, answer=Session, status=201,
)  # fmt: skip
END_SESSION = Call(
    "end_session", "POST", "/api/sessions/end", Who.ADMIN_OR_CONSOLES, "End a session", body=EndSession, status=204
)
CREATE_SIGN_IN_CODE = Call(
    "create_sign_in_code", "POST", "/api/sign-in-codes", Who.ADMIN, "A one-time code that signs the administrator in",
    answer=SignInCode, status=201,
)  # fmt: skip

CALLS = (
    *EXPERIMENT_REGISTRY, *DEPLOYMENT_REGISTRY, *(call for call in CONSOLE_REGISTRY if call is not _LIST), WHOAMI,
    DEPLOYMENT_WHOAMI, LIST_WORKER_DETAILS, LIST_DEPLOYMENT_WORKER_DETAILS, *EXPERIMENT_SWITCHES, *DEPLOYMENT_SWITCHES,
    READ_WORKER_PACES, EXCHANGE, SIGN_IN, END_SESSION, CREATE_SIGN_IN_CODE,
)  # fmt: skip
