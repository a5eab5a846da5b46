"""When a lease is active, and who may renew or release it (protocol §11.4, §11.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from store_client.errors import Forbidden, LeaseExpired, LeaseHeldByOther, LeaseInstanceMismatch, LeaseNotHeld
from store_client.wire.scalars import format_time, parse_time

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Holder:
    """A worker, and the start of its process that acts."""

    worker_id: str
    instance: str


@dataclass(frozen=True)
class Held:
    """A lease as its holder knows it; the epoch says which of the experiment's leases."""

    experiment_id: str
    lease_id: str
    epoch: int


def is_active(lease: Row | None, now: str) -> bool:
    """Up to and including its last moment, unless it was released."""
    return lease is not None and lease["released_at"] is None and lease["expires_at"] >= now


def expiry(now: str, seconds: float) -> str:
    """When a lease ends that is acquired or renewed now."""
    return format_time(parse_time(now) + timedelta(seconds=seconds))


def acquire(lease: Row | None, now: str) -> int:
    """The epoch of the next lease; LeaseHeldByOther while there is an active one, whoever holds it."""
    if is_active(lease, now):
        raise LeaseHeldByOther(f"the lease is held until {lease['expires_at'] if lease else ''}")
    return 1 if lease is None else int(lease["epoch"]) + 1


def renew(lease: Row | None, by: Holder, now: str) -> Row:
    """The lease that may be renewed: it is the experiment's newest, the caller's, not lapsed, of this instance."""
    if lease is None or lease["released_at"] is not None:
        raise LeaseNotHeld("this lease was released or replaced")
    _check_holder(lease, by)
    if not is_active(lease, now):
        raise LeaseExpired(f"this lease expired at {lease['expires_at']}; acquire a new one")
    _check_instance(lease, by)
    return lease


def release(lease: Row | None, by: Holder) -> bool:
    """Whether there is anything to release: what is gone already stays so."""
    if lease is None:
        return False
    _check_holder(lease, by)
    if lease["released_at"] is not None:
        return False
    _check_instance(lease, by)
    return True


def verify(lease: Row | None, lease_id: str, now: str) -> Row:
    """The experiment's newest lease, which must be this one, and active."""
    if lease is None or lease["lease_id"] != lease_id or lease["released_at"] is not None:
        raise LeaseNotHeld("this lease was released or replaced, or is on another experiment")
    if not is_active(lease, now):
        raise LeaseExpired(f"this lease expired at {lease['expires_at']}; acquire a new one")
    return lease


def _check_holder(lease: Row, by: Holder) -> None:
    if lease["holder"] != by.worker_id:
        raise Forbidden("another worker holds this lease")


def _check_instance(lease: Row, by: Holder) -> None:
    if lease["holder_instance"] != by.instance:
        raise LeaseInstanceMismatch("another instance of this worker holds the lease")
