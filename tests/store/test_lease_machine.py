"""Two workers, two starts of each, a clock: never two active leases, epochs only rise, stale writes are refused."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from control_plane.db.tables import DEPLOYMENT
from control_plane.db.transaction import Caller
from control_plane.registry.operations import keeping, leases, registrations
from control_plane.registry.rules.leases import Held
from control_plane.registry.tables import leases as table
from store_client.errors import (
    Forbidden,
    LeaseExpired,
    LeaseHeldByOther,
    LeaseInstanceMismatch,
    LeaseNotHeld,
    Refused,
)
from store_client.wire.calls.control import LeaseFilter
from store_client.wire.leases import AcquireLease, HoldLease, RegisterExperiment
from tests.registry import Registry, open_registry
from tests.store.lease_time import pass_time

SECONDS = 1000
STEPS = (300, 701)
"""No sum of these is near the duration, so the real time that passes meanwhile changes nothing."""
RARELY = st.sampled_from((False, False, False, True))


@dataclass
class Known:
    """A lease as the model has it."""

    lease_id: str
    entry: str
    holder: int
    instance: str
    epoch: int
    expires_at: int
    is_released: bool = False


class Leasing(RuleBasedStateMachine):
    """Everything that can be done with leases, against a model of ten lines."""

    registry: ClassVar[Registry]
    done: ClassVar[Counter[str]]
    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.newest: dict[str, Known] = {}
        self.written: Counter[str] = Counter()
        body = RegisterExperiment(config_uri="urn:config")
        self.entries = [self.registry.act(registrations.register_experiment, body).experiment_id for _ in range(2)]
        self.workers = [self.registry.worker(DEPLOYMENT)[0] for _ in range(2)]

    def act(self, worker: int, operation: Any, *given: Any, **named: Any) -> Any:
        caller = Caller(self.workers[worker])
        return self.registry.at(DEPLOYMENT, lambda tx: operation(tx, *given, **named), caller)

    def is_active(self, lease: Known) -> bool:
        return self.newest[lease.entry] is lease and not lease.is_released and lease.expires_at >= self.now

    @rule(
        target=taken,
        entry=st.integers(0, 1),
        holder=st.integers(0, 1),
        is_stranger=RARELY,
        instance=st.sampled_from("ab"),
    )
    def acquire(self, entry: int, holder: int, is_stranger: bool, instance: str) -> Known | None:
        worker = 1 - holder if is_stranger else holder
        name, before = self.entries[entry], self.newest.get(self.entries[entry])
        body = AcquireLease(holder=self.workers[holder], holder_instance=instance)
        expected = Forbidden if worker != holder else LeaseHeldByOther if before and self.is_active(before) else None
        made = self.expect(expected, worker, leases.acquire, name, body, lease_seconds=SECONDS)
        if made is None:
            return before
        epoch = int(self.row(name)["epoch"])
        assert epoch == (before.epoch if before else 0) + 1
        self.newest[name] = Known(made.lease_id, name, holder, instance, epoch, self.now + SECONDS)
        return self.newest[name]

    @rule(lease=taken, is_stranger=RARELY, is_restarted=RARELY)
    def renew(self, lease: Known | None, is_stranger: bool, is_restarted: bool) -> None:
        if lease is None:
            return
        worker = 1 - lease.holder if is_stranger else lease.holder
        instance = lease.instance + "again" if is_restarted else lease.instance
        expected: type[Refused] | None = None
        if self.newest[lease.entry] is not lease or lease.is_released:
            expected = LeaseNotHeld
        elif worker != lease.holder:
            expected = Forbidden
        elif not self.is_active(lease):
            expected = LeaseExpired
        elif instance != lease.instance:
            expected = LeaseInstanceMismatch
        body = HoldLease(holder_instance=instance)
        made = self.expect(expected, worker, leases.renew, lease.lease_id, body, lease_seconds=SECONDS)
        if made is not None:
            assert made.lease_id == lease.lease_id
            lease.expires_at = self.now + SECONDS

    @rule(lease=taken, is_stranger=RARELY, is_restarted=RARELY)
    def release(self, lease: Known | None, is_stranger: bool, is_restarted: bool) -> None:
        if lease is None:
            return
        worker = 1 - lease.holder if is_stranger else lease.holder
        instance = lease.instance + "again" if is_restarted else lease.instance
        expected: type[Refused] | None = None
        is_there = self.newest[lease.entry] is lease
        if is_there and worker != lease.holder:
            expected = Forbidden
        elif is_there and not lease.is_released and instance != lease.instance:
            expected = LeaseInstanceMismatch
        self.expect(expected, worker, leases.release, lease.lease_id, HoldLease(holder_instance=instance))
        if expected is None and is_there:
            lease.is_released = True

    @rule(lease=taken)
    def write(self, lease: Known | None) -> None:
        """A write under a lease lands only while that lease is the newest, and active."""
        if lease is None:
            return
        held = Held(lease.entry, lease.lease_id, lease.epoch)

        def write(tx: Any) -> None:
            keeping.verify(tx, held)
            tx.tell("group.changed")

        before, is_active = len(self.registry.told(lease.entry)), self.is_active(lease)
        try:
            self.registry.at(lease.entry, write)
        except (LeaseNotHeld, LeaseExpired):
            assert not is_active
        else:
            assert is_active
        assert len(self.registry.told(lease.entry)) == before + is_active
        self.done["written" if is_active else "write refused"] += 1

    @rule(seconds=st.sampled_from(STEPS))
    def wait(self, seconds: int) -> None:
        pass_time(self.registry.house, seconds)
        self.now += seconds

    @invariant()
    def the_registry_shows_what_is_active_and_nothing_else(self) -> None:
        active = {lease.lease_id for lease in self.newest.values() if self.is_active(lease)}
        entries = [self.registry.act(registrations.read, entry).lease for entry in self.entries]
        assert {lease.lease_id for lease in entries if lease} == active
        for number, worker in enumerate(self.workers):
            listed = self.act(number, leases.list_active, LeaseFilter(holder=worker)).leases
            mine = {one.lease_id for one in self.newest.values() if one.holder == number and self.is_active(one)}
            assert {lease.lease_id for lease in listed} == mine

    def expect(self, kind: type[Refused] | None, worker: int, operation: Any, *given: Any, **named: Any) -> Any:
        """The answer, or None after the refusal that was expected."""
        self.done[f"{operation.__name__} {kind.__name__ if kind else 'done'}"] += 1
        if kind is None:
            return self.act(worker, operation, *given, **named)
        with pytest.raises(kind):
            self.act(worker, operation, *given, **named)
        return None

    def row(self, entry: str) -> Any:
        query = select(table).where(table.c.experiment_id == entry)
        return self.registry.act(lambda tx: tx.connection.execute(query).mappings().one())


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    with open_registry(database_url) as opened:
        yield opened


def lease_it(registry: Registry, examples: int, steps: int) -> Counter[str]:
    """How often each act went which way."""

    class LeasingHere(Leasing):
        pass

    LeasingHere.registry, LeasingHere.done = registry, Counter()
    run_state_machine_as_test(
        LeasingHere,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=(Phase.generate,),
        ),
    )
    return LeasingHere.done


ALL = {
    "acquire done", "acquire Forbidden", "acquire LeaseHeldByOther", "renew done", "renew Forbidden",
    "renew LeaseExpired", "renew LeaseInstanceMismatch", "renew LeaseNotHeld", "release done", "release Forbidden",
    "release LeaseInstanceMismatch", "written", "write refused",
}  # fmt: skip


def test_any_order_of_acts_keeps_one_active_lease(registry: Registry) -> None:
    assert lease_it(registry, examples=12, steps=30).keys() >= ALL


@pytest.mark.long
def test_many_orders_of_acts_keep_one_active_lease(registry: Registry) -> None:
    assert lease_it(registry, examples=500, steps=80).keys() >= ALL
