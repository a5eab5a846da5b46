"""§2.4, walked whole: every call by every kind of principal, and who gets 401, 403 or further."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest

from store_client.wire.call import Call, Who
from store_client.wire.calls import CALLS
from tests.wire.live import ADMIN_TOKEN
from tests.wire.yard import Yard


def calls(names: str) -> frozenset[str]:
    return frozenset(names.split())


GATES: Mapping[Who, frozenset[str]] = {
    Who.ADMIN: calls(
        "register_worker reissue_credential register_group add_to_group remove_from_group delete_group "
        "export_checkpoint import_checkpoint register_experiment unregister_experiment "
        "register_deployment_worker list_deployment_workers read_deployment_worker reissue_deployment_credential "
        "register_deployment_group list_deployment_groups read_deployment_group add_to_deployment_group "
        "remove_from_deployment_group delete_deployment_group"
    ),
    Who.WORKER: calls(
        "claim_task submit_task reclaim_task create_idea mark_idea_ready create_variant "
        "declare_variant_evaluation_error whoami deployment_whoami"
    ),
    Who.ORCHESTRATORS: calls(
        "accept_task reject_task integrate_variant emit_policy_error acquire_lease renew_lease release_lease"
    ),
    Who.ADMINS: calls("reassign_task update_dispatch_mode"),
    Who.ADMINS_OR_ORCHESTRATORS: calls("create_task terminate_experiment"),
    Who.EITHER: calls(
        "list_tasks read_task read_submission list_ideas read_idea list_variants read_variant list_workers read_worker "
        "list_groups read_group read_events subscribe read_state read_experiment read_dispatch_mode deposit_artifact "
        "fetch_artifact list_registry read_registry_entry list_leases"
    ),
}
"""The matrix of the protocol, by the names of our calls."""
GROUPS: Mapping[Who, frozenset[str]] = {
    Who.ORCHESTRATORS: frozenset({"orchestrators"}),
    Who.ADMINS: frozenset({"admins"}),
    Who.ADMINS_OR_ORCHESTRATORS: frozenset({"admins", "orchestrators"}),
    Who.ADMIN_OR_ADMINS: frozenset({"admins"}),
    Who.ADMIN_OR_CONSOLES: frozenset({"consoles"}),
    Who.OF_NAMED: frozenset({"admins"}),
}
WITH_ADMIN = frozenset({Who.ADMIN, Who.EITHER, Who.ADMIN_OR_ADMINS, Who.ADMIN_OR_CONSOLES, Who.OF_NAMED})
NOWHERE = "exp_" + "0" * 26
MOST_WAYS = (
    "in_process-sqlite",
    pytest.param("in_process-postgresql", marks=[pytest.mark.postgres, pytest.mark.long]),
    pytest.param("live-sqlite", marks=pytest.mark.long),
    pytest.param("live-postgresql", marks=pytest.mark.postgres),
    pytest.param("replicas-postgresql", marks=[pytest.mark.postgres, pytest.mark.long]),
)
"""The walk is long: one way of each kind and each database is walked every time, all of them by `make long`."""
V0 = tuple(call for call in CALLS if call.path.startswith("/v0/"))


@dataclass(frozen=True)
class Principal:
    """Somebody with or without a bearer; `home` is where it is registered, None for nobody at all."""

    name: str
    bearer: str | None
    home: str | None = None
    group: str | None = None

    @property
    def is_one_host_of_many(self) -> bool:
        """Whether this is a deployment worker like another one, seen from any experiment."""
        return self.home == "" and self.group is not None

    def expected(self, call: Call, gate: Who, experiment_id: str) -> int | None:
        """401, 403, or None where the gate lets it through."""
        scope = experiment_id if call.is_scoped else ""
        is_admin = self.home == "admin"
        is_known = is_admin or self.home == scope or call.path.startswith("/v0/checkpoints/")  # of no registry
        if gate is Who.OF_NAMED and self.home not in {None, "", "admin"}:
            return None  # the body names the experiment, and the operation asks whether it is the worker's own
        if self.home is None or not is_known:
            return 401
        if is_admin:
            return None if gate in WITH_ADMIN else 403
        if gate is Who.PERSON:  # nobody here is signed in
            return 403
        if gate is Who.ADMIN or (gate in GROUPS and self.group not in GROUPS[gate]):
            return 403
        return None


async def hosts(yard: Yard) -> list[Principal]:
    """Workers of the deployment: a plain one, and one in each of its groups."""
    admin, made = yard.headers("admin"), []
    for group in (None, "admins", "orchestrators", "consoles", "runners"):
        worker = (await yard.http.post("/v0/control/workers", json={}, headers=admin)).json()
        if group is not None:
            found = (await yard.http.get("/v0/control/groups", params={"name": group}, headers=admin)).json()
            path = f"/v0/control/groups/{found['groups'][0]['group_id']}/members"
            answer = await yard.http.post(path, json={"member_id": worker["worker_id"]}, headers=admin)
            assert answer.status_code == 200
        bearer = f"{worker['worker_id']}:{worker['registration_token']}"
        made.append(Principal(f"host in {group}", bearer, "", group))
    return made


async def principals(yard: Yard, other: Yard) -> list[Principal]:
    here = yard.store.experiment_id
    stale = await yard.post("v0:workers", name="admin")
    await yard.post(f"v0:workers/{stale['worker_id']}/reissue-credential", name="admin")

    def bearer(app: Yard, name: str) -> str:
        return app.headers(name)["Authorization"].removeprefix("Bearer ")

    return [
        Principal("nobody", None),
        Principal("malformed", "not-a-bearer"),
        Principal("wrong admin", "admin:wrong"),
        Principal("replaced token", f"{stale['worker_id']}:{stale['registration_token']}"),
        Principal("outsider", bearer(other, "admins"), other.store.experiment_id, "admins"),
        Principal("admin", f"admin:{ADMIN_TOKEN}", "admin"),
        Principal("plain worker", bearer(yard, "ann"), here),
        Principal("orchestrator", bearer(yard, "orchestrators"), here, "orchestrators"),
        Principal("admins member", bearer(yard, "admins"), here, "admins"),
        *await hosts(yard),
    ]


async def ask(yard: Yard, call: Call, who: Principal) -> httpx.Response:
    """The call with ids that are nowhere, and with no body: what passes the gate stops at the next check."""
    path = re.sub(r"\{\w+\}", NOWHERE, call.path.replace("{experiment_id}", yard.store.experiment_id))
    headers = {"X-Eden-Experiment-Id": yard.store.experiment_id}
    if who.bearer is not None:
        headers["Authorization"] = f"Bearer {who.bearer}"
    return await yard.http.request(call.method, path, headers=headers)


def gate_of(call: Call) -> Who:
    return next((gate for gate, names in GATES.items() if call.name in names), call.who)


def is_endless(call: Call) -> bool:
    """Whether the answer of an admitted caller would not come at once."""
    return call.is_streamed and call.is_read and "stream" in call.path


def test_the_matrix_names_every_call_of_the_protocol() -> None:
    assert {call.name for call in V0} - {name for names in GATES.values() for name in names} == set()


@pytest.mark.parametrize("call", V0, ids=lambda call: call.name)
def test_each_row_of_the_table_has_the_gate_of_the_matrix(call: Call) -> None:
    assert call.who is gate_of(call)


def test_calls_answer_200_but_for_those_that_the_protocol_names() -> None:
    created = calls("deposit_artifact import_checkpoint register_experiment acquire_lease")
    silent = calls("unregister_experiment emit_policy_error delete_group delete_deployment_group")
    for call in V0:
        assert call.status == (201 if call.name in created else 204 if call.name in silent else 200), call.name


@pytest.mark.parametrize("door", MOST_WAYS, indirect=True)
async def test_every_principal_gets_what_the_matrix_says_of_every_call(yard: Yard) -> None:
    app, other = await yard.fresh(), await yard.fresh()
    await app.task()  # so that subscribers need not wait
    wrong = []
    for who in await principals(app, other):
        for call in sorted(CALLS, key=lambda one: one.name in {"pause_experiment", "end_experiment"}):
            if call.who is Who.ANYONE or (call.is_scoped and who.is_one_host_of_many):
                continue
            is_of_attempts = call.who is Who.ATTEMPT  # whose secret is nobody's among these
            expected = 401 if is_of_attempts else who.expected(call, gate_of(call), app.store.experiment_id)
            if expected is None and is_endless(call):
                continue
            answer = await ask(app, call, who)
            said = answer.status_code if answer.status_code in {401, 403} else None
            if said != expected or answer.status_code >= 500:
                wrong.append((who.name, call.name, expected, answer.status_code, answer.text[:200]))
    assert wrong == []


async def test_a_baseline_needs_an_orchestrator(yard: Yard) -> None:
    for name in ("ann", "admins", "admin"):
        await yard.refused("forbidden", name, "POST", "v0:variants", yard.baseline_body())
