"""Whom groups come to mean, and by which way; and who decides where."""

from collections.abc import Iterator
from functools import partial

import pytest

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller
from control_plane.registry.operations import groups, lease_lines, leases, memberships, registrations, workers
from store_client.errors import LeaseNotHeld, NotFound
from store_client.wire.calls.control import LeaseLineQuery
from store_client.wire.calls.groups import GroupQuery
from store_client.wire.groups import GroupDetail, GroupSummaryList, Reached
from store_client.wire.leases import AcquireLease, HoldLease, Lease, LeaseLineList, RegisterExperiment
from store_client.wire.workers import RegisterGroup, RegisterWorker
from tests.registry import KEYS, Registry, open_registry

NOBODY = "wkr_" + "0" * 26


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def made(registry: Registry, scope: str, name: str, *member_ids: str) -> str:
    body = RegisterGroup(name=name, members=member_ids)
    return registry.at(scope, partial(groups.register, body=body)).group_id


def worker(registry: Registry, scope: str, name: str) -> str:
    return registry.at(scope, partial(workers.register, body=RegisterWorker(name=name), keys=KEYS)).worker_id


def detail(registry: Registry, scope: str, group_id: str) -> GroupDetail:
    return registry.at(scope, partial(memberships.read_detail, group_id=group_id))


def listed(registry: Registry, scope: str, **asked: object) -> GroupSummaryList:
    return registry.at(scope, partial(memberships.list_details, query=GroupQuery.model_validate(asked)))


def ways(reached: tuple[Reached, ...]) -> dict[str | None, list[str | None]]:
    return {one.name: [step.name for step in one.through] for one in reached}


@pytest.mark.parametrize("is_of_deployment", [False, True])
def test_everybody_in_a_group_is_told_by_the_shortest_way(registry: Registry, is_of_deployment: bool) -> None:
    scope = DEPLOYMENT if is_of_deployment else registry.experiment()
    ada, bo, cy = (worker(registry, scope, name) for name in ("Ada", "Bo", "Cy"))
    lab = made(registry, scope, "lab", bo, cy, NOBODY)
    staff = made(registry, scope, "staff", lab)
    everyone = made(registry, scope, "everyone", staff, ada, cy)
    made(registry, DEPLOYMENT if scope else registry.experiment(), "elsewhere", everyone, staff)
    told = detail(registry, scope, everyone)
    assert ways(told.workers) == {"Ada": [], "Bo": ["staff", "lab"], "Cy": []}
    assert ways(told.groups) == {"staff": [], "lab": ["staff"]}
    assert (told.direct, told.effective, told.is_reserved) == (3, 3, False)
    assert [(one.kind, one.name) for one in detail(registry, scope, lab).members if one.kind != "worker"] == [
        ("nobody", None)
    ]
    assert [step.name for step in detail(registry, scope, staff).inside] == ["everyone"]
    registry.at(scope, partial(groups.drop, group_id=staff))
    left = detail(registry, scope, everyone)
    assert {one.member_id: one.kind for one in left.members} == {ada: "worker", cy: "worker", staff: "nobody"}
    assert (ways(left.workers), left.groups, left.effective) == ({"Ada": [], "Cy": []}, (), 2)
    with pytest.raises(NotFound):
        detail(registry, scope, staff)


def test_groups_are_counted_a_page_at_a_time_and_found_by_name(registry: Registry) -> None:
    experiment_id = registry.experiment()
    ada = worker(registry, experiment_id, "Ada")
    inner = made(registry, experiment_id, "50% shift", ada)
    outer = made(registry, experiment_id, "Outer", inner, ada)
    found = {one.name: one for one in listed(registry, experiment_id).groups}
    assert (found["Outer"].direct, found["Outer"].effective) == (2, 1)
    assert [name for name, one in found.items() if one.is_reserved] == ["admins", "orchestrators"]
    assert [one.group_id for one in listed(registry, experiment_id, q="0% S").groups] == [inner]
    first = listed(registry, experiment_id, limit=3)
    assert first.next == first.groups[-1].group_id
    rest = listed(registry, experiment_id, limit=3, after=first.next)
    assert {one.group_id for one in (*first.groups, *rest.groups)} == {one.group_id for one in found.values()}
    assert rest.next is None
    assert outer in {one.group_id for one in rest.groups}


def lines(registry: Registry, **asked: object) -> LeaseLineList:
    return registry.at(DEPLOYMENT, partial(lease_lines.list_all, query=LeaseLineQuery.model_validate(asked)))


def test_a_lease_is_ended_for_its_holder_who_can_renew_it_no_more(registry: Registry) -> None:
    body = RegisterExperiment(name="Far away", config_uri="https://example.org/config")
    entry = registry.at(DEPLOYMENT, partial(registrations.register_experiment, body=body))
    holder = worker(registry, DEPLOYMENT, "orchestrator of theirs")
    acting = Caller(holder, DEPLOYMENT)
    acquire = partial(
        leases.acquire, entry_id=entry.experiment_id, body=AcquireLease(holder=holder, holder_instance="i-1"),
        lease_seconds=30.0,
    )  # fmt: skip
    lease: Lease = registry.at(DEPLOYMENT, acquire, acting)
    (line,) = lines(registry, q="far").lines
    assert (line.holder_name, line.is_here, line.epoch, line.state) == ("orchestrator of theirs", False, 1, "running")
    assert line.lease == lease
    assert lines(registry).held == 1
    end = partial(lease_lines.end, lease_id=lease.lease_id)
    assert registry.at(DEPLOYMENT, end).lease is None
    assert registry.at(DEPLOYMENT, end).lease is None
    assert [kind for kind, _ in registry.told(DEPLOYMENT)].count("lease.ended") == 1
    with pytest.raises(LeaseNotHeld):
        registry.at(
            DEPLOYMENT,
            partial(leases.renew, lease_id=lease.lease_id, body=HoldLease(holder_instance="i-1"), lease_seconds=30.0),
            acting,
        )
    assert registry.at(DEPLOYMENT, acquire, acting).lease_id != lease.lease_id
    with pytest.raises(NotFound):
        registry.at(DEPLOYMENT, end)
    assert lines(registry, limit=1, after=entry.experiment_id).lines == ()
