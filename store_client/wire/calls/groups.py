"""Calls about groups as the console shows them, and about the deployment's registry for its administrators."""

from dataclasses import replace

from pydantic import Field

from store_client.wire.call import Call, Query, Who
from store_client.wire.calls.workers import DEPLOYMENT_REGISTRY, A, C
from store_client.wire.groups import GroupDetail, GroupSummaryList


class GroupQuery(Query):
    """Which groups; without a limit, all of them."""

    q: str | None = Field(default=None, max_length=200, description="part of a name or an id, in any case")
    limit: int | None = Field(default=None, ge=1, le=500)
    after: str | None = Field(default=None, max_length=200, description="the `next` of the page before")


def _details(prefix: str, tag: str, who: Who) -> tuple[Call, Call]:
    """Reading the groups under one prefix."""
    path = prefix + "/group-details"
    return (
        Call(f"list_{tag}group_details", "GET", path, who,
             "List groups with how many are in them", query=GroupQuery, answer=GroupSummaryList),
        Call(f"read_{tag}group_detail", "GET", path + "/{group_id}", who,
             "Read a group with everybody in it and by which way", answer=GroupDetail),
    )  # fmt: skip


LIST_GROUP_DETAILS, READ_GROUP_DETAIL = EXPERIMENT_DETAILS = _details(A, "", Who.EITHER)
DEPLOYMENT_DETAILS = _details("/api", "deployment_", Who.ADMIN_OR_ADMINS)
LIST_DEPLOYMENT_GROUP_DETAILS, READ_DEPLOYMENT_GROUP_DETAIL = DEPLOYMENT_DETAILS


def _for_administrators(call: Call) -> Call:
    """The same call of the deployment's registry, which the protocol keeps for the admin bearer, for its admins."""
    name = call.name.replace("deployment_", "") + "_of_deployment"
    return replace(call, name=name, path=call.path.replace(C, "/api"), who=Who.ADMIN_OR_ADMINS)


ADMINISTRATORS_REGISTRY = tuple(map(_for_administrators, DEPLOYMENT_REGISTRY))
(
    REGISTER_WORKER_OF_DEPLOYMENT, _WORKERS, _WORKER, REISSUE_CREDENTIAL_OF_DEPLOYMENT,
    REGISTER_GROUP_OF_DEPLOYMENT, _GROUPS, READ_GROUP_OF_DEPLOYMENT, ADD_TO_GROUP_OF_DEPLOYMENT,
    REMOVE_FROM_GROUP_OF_DEPLOYMENT, DELETE_GROUP_OF_DEPLOYMENT,
) = ADMINISTRATORS_REGISTRY  # fmt: skip
UNUSED = frozenset({_WORKERS, _WORKER, _GROUPS})
"""What the lists and details of the console tell already."""

CALLS = (
    *EXPERIMENT_DETAILS, *DEPLOYMENT_DETAILS, *(call for call in ADMINISTRATORS_REGISTRY if call not in UNUSED),
)  # fmt: skip
