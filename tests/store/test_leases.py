"""Leases over time (protocol §11.4, §11.5), on each database: expiry, replacement, epochs, and what the entry shows."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller, Tx
from control_plane.registry.operations import keeping, leases, lifecycle, registrations
from control_plane.registry.rules.leases import Held, Holder
from control_plane.registry.tables import leases as table
from store_client.errors import (
    Forbidden,
    InvalidPrecondition,
    LeaseExpired,
    LeaseHeldByOther,
    LeaseInstanceMismatch,
    LeaseNotHeld,
)
from store_client.wire.calls.control import LeaseFilter
from store_client.wire.experiments import Terminate
from store_client.wire.leases import AcquireLease, HoldLease, Lease, RegisterExperiment
from store_client.wire.scalars import format_time, parse_time
from tests.registry import Registry, open_registry
from tests.store.lease_time import pass_time

URI = "urn:config"
SECONDS = 30.0


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


class Worker:
    """One of the deployment's workers, acting as one instance."""

    def __init__(self, registry: Registry, name: str, instance: str = "i") -> None:
        self.registry, self.instance = registry, instance
        self.worker_id, _ = registry.worker(DEPLOYMENT, name)

    def _act(self, operation: Callable[..., Any], *given: Any, **named: Any) -> Any:
        caller = Caller(self.worker_id)
        return self.registry.at(DEPLOYMENT, lambda tx: operation(tx, *given, **named), caller)

    def acquire(self, entry: str) -> Lease:
        body = AcquireLease(holder=self.worker_id, holder_instance=self.instance)
        made: Lease = self._act(leases.acquire, entry, body, lease_seconds=SECONDS)
        return made

    def renew(self, lease: Lease, instance: str | None = None) -> Lease:
        body = HoldLease(holder_instance=instance or self.instance)
        made: Lease = self._act(leases.renew, lease.lease_id, body, lease_seconds=SECONDS)
        return made

    def release(self, lease: Lease, instance: str | None = None) -> None:
        self._act(leases.release, lease.lease_id, HoldLease(holder_instance=instance or self.instance))

    def active(self) -> tuple[Lease, ...]:
        found: tuple[Lease, ...] = self._act(leases.list_active, LeaseFilter(holder=self.worker_id)).leases
        return found


@pytest.fixture
def entry(registry: Registry) -> str:
    return registry.act(registrations.register_experiment, RegisterExperiment(config_uri=URI)).experiment_id


def shown(registry: Registry, entry: str) -> Lease | None:
    return registry.act(registrations.read, entry).lease


def epoch(registry: Registry, entry: str) -> int:
    query = select(table.c.epoch).where(table.c.experiment_id == entry)
    return int(registry.act(lambda tx: tx.connection.scalar(query) or 0))


def test_a_lease_lasts_its_duration_and_is_then_anybodys(registry: Registry, entry: str) -> None:
    first, second = Worker(registry, "first"), Worker(registry, "second")
    lease = first.acquire(entry)
    pass_time(registry.house, SECONDS - 5)
    assert shown(registry, entry) is not None
    with pytest.raises(LeaseHeldByOther):
        second.acquire(entry)
    pass_time(registry.house, 10)
    assert shown(registry, entry) is None
    assert first.active() == ()
    taken = second.acquire(entry)
    assert taken.lease_id != lease.lease_id
    assert epoch(registry, entry) == 2
    with pytest.raises(LeaseNotHeld):
        first.renew(lease)
    first.release(lease)
    assert shown(registry, entry) == taken


def test_a_lapsed_lease_that_nobody_replaced_has_expired_for_good(registry: Registry, entry: str) -> None:
    worker = Worker(registry, "one")
    lease = worker.acquire(entry)
    pass_time(registry.house, SECONDS + 1)
    for _ in range(2):
        with pytest.raises(LeaseExpired):
            worker.renew(lease)
    with pytest.raises(LeaseExpired):
        worker.renew(lease, "another start")
    worker.release(lease)
    with pytest.raises(LeaseNotHeld):
        worker.renew(lease)
    assert worker.acquire(entry).lease_id != lease.lease_id


def test_each_renewal_gives_a_whole_duration_from_then(registry: Registry, entry: str) -> None:
    worker = Worker(registry, "one")
    lease = worker.acquire(entry)
    for _ in range(3):
        pass_time(registry.house, SECONDS - 5)
        renewed = worker.renew(lease)
        assert renewed.lease_id == lease.lease_id
        assert (parse_time(renewed.expires_at) - parse_time(renewed.renewed_at)).total_seconds() == SECONDS
    assert epoch(registry, entry) == 1


def test_a_lease_is_active_in_its_last_moment_and_not_after_it(registry: Registry, entry: str) -> None:
    worker = Worker(registry, "one")
    worker.acquire(entry)

    def set_expiry(tx: Tx, seconds: float) -> str:
        moment = format_time(parse_time(tx.now) + timedelta(seconds=seconds))
        tx.connection.execute(update(table).values(expires_at=moment))
        return moment

    with pytest.raises(LeaseHeldByOther):
        registry.at(DEPLOYMENT, lambda tx: (set_expiry(tx, 0), _acquire(tx, worker, entry)), Caller(worker.worker_id))
    registry.at(DEPLOYMENT, lambda tx: (set_expiry(tx, -1e-6), _acquire(tx, worker, entry)), Caller(worker.worker_id))
    assert epoch(registry, entry) == 2


def _acquire(tx: Tx, worker: Worker, entry: str) -> Lease:
    body = AcquireLease(holder=worker.worker_id, holder_instance="i")
    return leases.acquire(tx, entry, body, lease_seconds=SECONDS)


def test_an_expired_lease_is_fenced_by_instance_and_holder_too(registry: Registry, entry: str) -> None:
    first, second = Worker(registry, "first"), Worker(registry, "second")
    lease = first.acquire(entry)
    pass_time(registry.house, SECONDS + 1)
    with pytest.raises(LeaseInstanceMismatch):
        first.release(lease, "another start")
    for act in (second.renew, second.release):
        with pytest.raises(Forbidden):
            act(lease)


def test_an_expired_lease_does_not_keep_an_entry(registry: Registry) -> None:
    hosted = registry.experiment()
    worker = Worker(registry, "one")
    worker.acquire(hosted)
    registry.at(hosted, lambda tx: lifecycle.terminate(tx, Terminate(reason="")))
    with pytest.raises(InvalidPrecondition):
        registry.act(registrations.unregister, hosted)
    pass_time(registry.house, SECONDS + 1)
    registry.act(registrations.unregister, hosted)
    assert registry.act(registrations.find, hosted) is None


def test_epochs_go_on_after_an_entry_was_forgotten_and_recovered(registry: Registry) -> None:
    hosted = registry.experiment()
    worker = Worker(registry, "one")
    worker.release(worker.acquire(hosted))
    registry.at(hosted, lambda tx: lifecycle.terminate(tx, Terminate(reason="")))
    registry.act(registrations.unregister, hosted)
    registry.act(registrations.register_experiment, RegisterExperiment(config_uri=URI, experiment_id=hosted))
    worker.acquire(hosted)
    assert epoch(registry, hosted) == 2


def test_a_write_is_fenced_by_the_lease_it_was_begun_under(registry: Registry, entry: str) -> None:
    holder = registry.act(keeping.begin, "orchestrator", "one")
    (held,) = registry.act(keeping.acquire_all, [entry], (holder, SECONDS), lambda _name: False)
    registry.act(keeping.verify, held)
    for stale in (Held(entry, held.lease_id, held.epoch + 1), Held(entry, "lease_other", held.epoch)):
        with pytest.raises(LeaseNotHeld):
            registry.act(keeping.verify, stale)
    pass_time(registry.house, SECONDS + 1)
    with pytest.raises(LeaseExpired):
        registry.act(keeping.verify, held)
    assert registry.act(keeping.renew_all, holder, SECONDS) == set()
    registry.act(keeping.release_all, holder, [entry])
    with pytest.raises(LeaseNotHeld):
        registry.act(keeping.verify, held)


def test_what_an_orchestrator_held_before_it_began_again_is_free_and_other_workers_leases_are_not(
    registry: Registry, entry: str
) -> None:
    other = registry.act(registrations.register_experiment, RegisterExperiment(config_uri=URI)).experiment_id
    Worker(registry, "theirs").acquire(other)
    before = registry.act(keeping.begin, "orchestrator", "before")
    registry.act(keeping.acquire_all, [entry, other], (before, SECONDS), lambda _name: True)
    after = registry.act(keeping.begin, "orchestrator", "after")
    assert after == Holder(before.worker_id, "after")
    taken = registry.act(keeping.acquire_all, [entry, other], (after, SECONDS), lambda _name: True)
    assert [held.experiment_id for held in taken] == [entry]


def test_only_the_lease_of_an_orchestrator_that_is_dead_is_taken_over(registry: Registry, entry: str) -> None:
    first, second = (registry.act(keeping.begin, name, "i") for name in ("orchestrator", "orchestrator-2"))
    assert first.worker_id != second.worker_id
    registry.act(keeping.acquire_all, [entry], (first, SECONDS), lambda _name: False)
    assert registry.act(keeping.available, [entry], lambda _name: False) == []
    asked: list[str] = []

    def is_dead(name: str) -> bool:
        asked.append(name)
        return True

    (taken,) = registry.act(keeping.acquire_all, [entry], (second, SECONDS), is_dead)
    assert asked == ["orchestrator"]
    assert taken.epoch == 2
