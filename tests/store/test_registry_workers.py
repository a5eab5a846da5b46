"""Workers and groups: one set of rules for every experiment and for the deployment."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select

from control_plane.db import identities
from control_plane.db.tables import DEPLOYMENT, members
from control_plane.db.tables import groups as groups_table
from control_plane.db.tables import workers as workers_table
from control_plane.db.transaction import Caller, Tx
from control_plane.registry.operations import groups, workers
from control_plane.registry.seen import MAX_WORKERS, PAUSE_SECONDS, Seen
from store_client.errors import CycleDetected, InvalidName, NotFound, ReservedIdentifier
from store_client.wire.calls.workers import NameFilter
from store_client.wire.workers import AddMember, Group, RegisterGroup, RegisterWorker
from tests.registry import KEYS, Registry, open_registry

NOBODY = "wkr_" + "0" * 26


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


@pytest.fixture(params=["experiment", "deployment"])
def scope(request: pytest.FixtureRequest, registry: Registry) -> str:
    return registry.experiment() if request.param == "experiment" else DEPLOYMENT


def group(registry: Registry, scope: str, *member_ids: str, name: str | None = None) -> Group:
    return registry.at(scope, partial(groups.register, body=RegisterGroup(name=name, members=member_ids)))


def add(registry: Registry, scope: str, group_id: str, member_id: str) -> Group:
    return registry.at(scope, partial(groups.add, group_id=group_id, body=AddMember(member_id=member_id)))


def identify(registry: Registry, bearer: tuple[str, str]) -> Caller | None:
    with registry.house.database.reading() as connection:
        return identities.identify(connection, KEYS, bearer, registry.house.clock())


def test_every_registration_is_a_new_worker_with_its_own_token(registry: Registry, scope: str) -> None:
    first, second = (registry.worker(scope, "ada") for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert identify(registry, first) == Caller(first[0], scope, "ada")
    assert identify(registry, (first[0], second[1])) is None


def test_a_worker_reads_as_it_was_registered(registry: Registry, scope: str) -> None:
    body = RegisterWorker(name="Ada L.", labels={"gpu": "yes"})
    made = registry.at(scope, partial(workers.register, body=body, keys=KEYS))
    read = registry.at(scope, partial(workers.read, worker_id=made.worker_id))
    assert {**read.to_wire(), "registration_token": made.registration_token} == made.to_wire()
    assert (read.name, read.labels, read.registered_by) == ("Ada L.", {"gpu": "yes"}, "admin")
    assert read.experiment_id == (scope or None)


def test_what_was_not_given_is_absent(registry: Registry, scope: str) -> None:
    made = registry.at(scope, partial(workers.register, body=RegisterWorker(), keys=KEYS)).to_wire()
    assert made.keys() & {"name", "labels"} == set()


def test_some_worker_names_are_never_given(registry: Registry, scope: str) -> None:
    for name in ("admin", "system", "internal"):
        with pytest.raises(ReservedIdentifier):
            registry.worker(scope, name)
        registry.worker(scope, name.title())
        group(registry, scope, name=name)


def test_ill_formed_names_are_refused(registry: Registry, scope: str) -> None:
    for name in ("", "  ", " admin", "x" * 129, "a\tb", "\u200b\x00"):
        with pytest.raises(InvalidName):
            registry.worker(scope, name)
        with pytest.raises(InvalidName):
            group(registry, scope, name=name)


def test_names_are_compared_in_their_normal_form(registry: Registry, scope: str) -> None:
    worker_id, _ = registry.worker(scope, "Zoe\u0308")
    group_id = group(registry, scope, name="Zoe\u0308").group_id
    for spelling in ("Zoe\u0308", "Zo\u00eb"):
        found = registry.at(scope, partial(workers.list_all, query=NameFilter(name=spelling)))
        assert [worker.worker_id for worker in found.workers] == [worker_id]
        named = registry.at(scope, partial(groups.list_all, query=NameFilter(name=spelling)))
        assert [each.group_id for each in named.groups] == [group_id]
    for other in ("zo\u00eb", "Zo", "", "\x00"):
        assert registry.at(scope, partial(workers.list_all, query=NameFilter(name=other))).workers == ()
        assert registry.at(scope, partial(groups.list_all, query=NameFilter(name=other))).groups == ()


def test_reissuing_voids_every_older_credential(registry: Registry, scope: str) -> None:
    worker_id, token = registry.worker(scope)
    others = [registry.credential(worker_id, kind) for kind in ("token", "git")]
    before = registry.at(scope, partial(workers.read, worker_id=worker_id))
    again = registry.at(scope, partial(workers.reissue, worker_id=worker_id, keys=KEYS))
    assert {**before.to_wire(), "registration_token": again.registration_token} == again.to_wire()
    assert [identify(registry, (worker_id, secret)) for secret in (token, *others)] == [None, None, None]
    assert identify(registry, (worker_id, again.registration_token)) is not None


def test_workers_and_groups_of_another_scope_are_not_found(registry: Registry, scope: str) -> None:
    elsewhere = registry.experiment("Elsewhere")
    worker_id, _ = registry.worker(elsewhere)
    group_id = group(registry, elsewhere).group_id
    acts: list[Callable[[Tx], object]] = [
        partial(workers.read, worker_id=worker_id),
        partial(workers.reissue, worker_id=worker_id, keys=KEYS),
        partial(groups.read, group_id=group_id),
        partial(groups.add, group_id=group_id, body=AddMember(member_id=worker_id)),
        partial(groups.remove, group_id=group_id, member_id=worker_id),
        partial(groups.drop, group_id=group_id),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            registry.at(scope, act)
    assert worker_id not in {
        worker.worker_id for worker in registry.at(scope, partial(workers.list_all, query=NameFilter())).workers
    }


def test_ids_that_cannot_be_are_not_found(registry: Registry, scope: str) -> None:
    made = group(registry, scope)
    for odd in ("", "wkr_", f"{made.group_id}\n", "\x00", "x" * 5000):
        with pytest.raises(NotFound):
            registry.at(scope, partial(workers.read, worker_id=odd))
        with pytest.raises(NotFound):
            registry.at(scope, partial(groups.read, group_id=odd))
        assert registry.at(scope, partial(groups.remove, group_id=made.group_id, member_id=odd)) == made


def test_members_need_not_exist_and_joining_twice_is_fine(registry: Registry, scope: str) -> None:
    made = group(registry, scope, NOBODY, NOBODY, name="crew")
    assert made.members == (NOBODY,)
    worker_id, _ = registry.worker(scope)
    for _ in range(2):
        assert add(registry, scope, made.group_id, worker_id).members == (NOBODY, worker_id)
    for _ in range(2):
        left = registry.at(scope, partial(groups.remove, group_id=made.group_id, member_id=NOBODY))
        assert left.members == (worker_id,)
    acts = [data["act"] for type_, data in registry.told(scope) if data.get("group_id") == made.group_id]
    assert acts == ["registered", "added", "removed"]


def test_membership_goes_through_groups_and_ends_at_a_deleted_one(registry: Registry, scope: str) -> None:
    worker_id, _ = registry.worker(scope)
    inner = group(registry, scope, worker_id).group_id
    middle = group(registry, scope, inner).group_id
    outer = group(registry, scope, middle).group_id

    def is_in() -> bool:
        with registry.house.database.reading() as connection:
            return identities.is_in(connection, scope, worker_id, outer)

    assert is_in()
    registry.at(scope, partial(groups.drop, group_id=middle))
    assert not is_in()
    assert registry.at(scope, partial(groups.read, group_id=outer)).members == (middle,)


def test_a_group_of_another_experiment_means_nobody(registry: Registry) -> None:
    here, there = registry.experiment("Here"), registry.experiment("There")
    worker_id, _ = registry.worker(here)
    foreign = group(registry, there, worker_id).group_id
    admins = registry.at(here, partial(groups.list_all, query=NameFilter(name="admins"))).groups[0].group_id
    add(registry, here, admins, foreign)
    with registry.house.database.reading() as connection:
        assert not identities.is_in_named(connection, Caller(worker_id, here), ("admins",))
        assert not identities.is_in(connection, here, worker_id, foreign)


def test_no_group_contains_itself(registry: Registry, scope: str) -> None:
    first = group(registry, scope).group_id
    second = group(registry, scope, first).group_id
    third = group(registry, scope, second).group_id
    for inner in (first, second, third):
        with pytest.raises(CycleDetected):
            add(registry, scope, first, inner)
    add(registry, scope, third, first)


def test_edits_at_once_cannot_compose_a_cycle(registry: Registry, scope: str) -> None:
    ring = [group(registry, scope).group_id for _ in range(8)]
    barrier = threading.Barrier(len(ring))

    def close_the_ring(number: int) -> bool:
        barrier.wait(60)
        try:
            add(registry, scope, ring[number], ring[(number + 1) % len(ring)])
        except CycleDetected:
            return False
        return True

    with ThreadPoolExecutor(len(ring)) as pool:
        landed = list(pool.map(close_the_ring, range(len(ring))))
    assert landed.count(False) == 1
    with registry.house.database.reading() as connection:
        assert not any(each in identities.groups_of(connection, scope, each) for each in ring)


def test_reserved_groups_are_given_once_and_only_to_the_admin(registry: Registry) -> None:
    experiment_id = registry.house.mint("exp")
    registry.host(experiment_id)
    worker_id, _ = registry.worker(experiment_id)
    for name in ("admins", "orchestrators"):
        register = partial(groups.register, body=RegisterGroup(name=name))
        with pytest.raises(ReservedIdentifier):
            registry.at(experiment_id, register, Caller(worker_id, experiment_id))
        made = registry.at(experiment_id, register)
        with pytest.raises(ReservedIdentifier):
            registry.at(experiment_id, register)
        registry.at(experiment_id, partial(groups.drop, group_id=made.group_id))
        with pytest.raises(ReservedIdentifier):
            registry.at(experiment_id, register)


def test_reserved_groups_of_the_deployment_are_taken_from_the_start(registry: Registry) -> None:
    registry.bootstrap()
    for name in ("admins", "orchestrators", "consoles", "runners"):
        with pytest.raises(ReservedIdentifier):
            group(registry, DEPLOYMENT, name=name)
    experiment_id = registry.experiment()
    for name in ("consoles", "runners"):
        group(registry, experiment_id, name=name)


def test_worker_details_name_groups_and_count_claims(registry: Registry) -> None:
    experiment_id = registry.experiment()
    worker_id, _ = registry.worker(experiment_id)
    nameless = group(registry, experiment_id, worker_id).group_id
    group(registry, experiment_id, worker_id, name="crew")
    detail = registry.at(experiment_id, lambda tx: workers.list_details(tx, open_claims=lambda _tx: {worker_id: 3}))
    (shown,) = detail.workers
    assert (set(shown.groups), shown.open_claims, shown.last_seen_at) == ({"crew", nameless}, 3, None)


def test_a_worker_is_seen_at_most_once_in_a_while(registry: Registry) -> None:
    worker_id, _ = registry.worker(DEPLOYMENT)
    time = [100.0]
    seen = Seen(registry.house.writer, lambda: time[0])

    def last_seen() -> str | None:
        return registry.act(
            lambda tx: tx.connection.scalar(
                select(workers_table.c.last_seen_at).where(workers_table.c.worker_id == worker_id)
            )
        )

    seen.note(Caller("admin"))
    seen.note(Caller(worker_id))
    first = last_seen()
    time[0] += PAUSE_SECONDS - 1
    seen.note(Caller(worker_id))
    assert last_seen() == first
    time[0] += 1
    seen.note(Caller(worker_id))
    later = last_seen()
    assert first is not None
    assert later is not None
    assert later > first


def test_the_memory_of_who_was_seen_is_bounded(registry: Registry) -> None:
    seen = Seen(registry.house.writer, lambda: 0.0)
    for number in range(MAX_WORKERS + 10):
        seen._is_due(("", f"wkr_{number}", None))
    assert len(seen._noted) == MAX_WORKERS


def test_deleting_a_group_forgets_its_members(registry: Registry, scope: str) -> None:
    made = group(registry, scope, NOBODY).group_id
    registry.at(scope, partial(groups.drop, group_id=made))
    query = select(members).join(groups_table, groups_table.c.group_id == members.c.group_id, isouter=True)
    left = registry.act(lambda tx: tx.connection.execute(query.where(members.c.member_id == NOBODY)).all())
    assert left == []
