"""The registry of experiments (protocol §11.1, §11.2): entries, whether the experiment is hosted here or not yet.

The state of an experiment in this database is read in the same transaction. Of one that is hosted elsewhere the last
known state is kept, and a warning once the place that hosts it has not answered often enough.
"""

from typing import Any

from sqlalchemy import Select, delete, insert, select

from control_plane.db.engine import time_of
from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.registry.rules import leases as rules
from control_plane.registry.rules import names
from control_plane.registry.rules.leases import Row
from control_plane.registry.tables import leases, registrations
from store_client.errors import AlreadyExists, ExperimentIdConflict, InvalidPrecondition, NotFound
from store_client.wire.call import PageQuery
from store_client.wire.calls.control import EntryFilter
from store_client.wire.experiments import Status
from store_client.wire.leases import Lease, RegisterExperiment, RegistryEntry, RegistryEntryList
from store_client.wire.sources import UnmadeExperiment, UnmadeList

STALE_AFTER_FAILURES = 10
LEASE_FIELDS = tuple(Lease.model_fields)


def register_experiment(tx: Tx, body: RegisterExperiment) -> RegistryEntry:
    """A new entry with a minted id, or with the one that an import could not register itself."""
    name = names.check(body.name)
    experiment_id = body.experiment_id or tx.mint("exp")
    if find(tx, experiment_id) is not None:
        raise AlreadyExists(f"{experiment_id} is registered already")
    return register(tx, experiment_id, name, body.config_uri)


def register(tx: Tx, experiment_id: str, name: str | None, config_uri: str | None = None) -> RegistryEntry:
    """Have an entry for an experiment; one that is there stays as it is."""
    if find(tx, experiment_id) is None:
        row = {
            "experiment_id": experiment_id,
            "name": name,
            "config_uri": config_uri or config_uri_of(experiment_id),
            "created_at": tx.now,
            "last_known_state": "running",
            "failures": 0,
        }
        tx.connection.execute(insert(registrations).values(row))
    return read(tx, experiment_id)


def config_uri_of(experiment_id: str) -> str:
    """Where the config of an experiment that is hosted here is: a path below this server's address."""
    return f"switchyard:/api/experiments/{experiment_id}"


def unregister(tx: Tx, entry_id: str) -> None:
    """Forget the entry of a terminated experiment that nobody orchestrates; the experiment itself stays."""
    entry = read(tx, entry_id)
    if entry.last_known_state != "terminated":
        raise InvalidPrecondition("only a terminated experiment is unregistered")
    if entry.lease is not None:
        raise InvalidPrecondition(f"{entry.lease.holder} holds the lease until {entry.lease.expires_at}")
    tx.connection.execute(delete(registrations).where(registrations.c.experiment_id == entry_id))


def list_all(tx: Tx, query: EntryFilter) -> RegistryEntryList:
    """Every entry, or those of exactly this name; the oldest first."""
    statement = entries().order_by(registrations.c.created_at, registrations.c.experiment_id)
    if query.name is not None:
        name = names.wanted(query.name)
        if name is None:
            return RegistryEntryList(experiments=())
        statement = statement.where(registrations.c.name == name)
    now = time_of(tx.connection, tx.now)
    rows = tx.connection.execute(statement)
    return RegistryEntryList(experiments=tuple(_to_entry(row._asdict(), now) for row in rows))


def read(tx: Tx, entry_id: str) -> RegistryEntry:
    return _to_entry(must_have(tx, entry_id), time_of(tx.connection, tx.now))


def must_have(tx: Tx, entry_id: str) -> Row:
    """The entry's row with its experiment's status and its newest lease; NotFound when it is not registered."""
    row = find(tx, entry_id)
    if row is None:
        raise NotFound(f"there is no registered experiment {entry_id[:60]}")
    return row


def find(tx: Tx, experiment_id: str) -> Row | None:
    if "\x00" in experiment_id:
        return None
    query = entries().where(registrations.c.experiment_id == experiment_id)
    row = tx.connection.execute(query).first()
    return None if row is None else row._asdict()


def list_unmade(tx: Tx, query: PageQuery) -> UnmadeList:
    """The entries of which this database has nothing yet, the oldest first."""
    columns = registrations.c.experiment_id, registrations.c.name, registrations.c.created_at
    made = experiments.c.experiment_id == registrations.c.experiment_id
    unmade = select(*columns).where(~select(experiments.c.experiment_id).where(made).exists())
    if query.after is not None:
        unmade = unmade.where(registrations.c.experiment_id > query.after)
    found = tx.connection.execute(unmade.order_by(registrations.c.experiment_id).limit(query.limit + 1)).mappings()
    lines = [UnmadeExperiment.model_validate(dict(row)) for row in found]
    shown = tuple(lines[: query.limit])
    return UnmadeList(experiments=shown, next=shown[-1].experiment_id if len(lines) > query.limit else None)


def must_be_vacant(tx: Tx, experiment_id: str) -> None:
    """Refuse unless the id is registered and nobody has made its experiment yet."""
    row = find(tx, experiment_id)
    if row is None:
        raise InvalidPrecondition(f"{experiment_id} is not registered; ids are minted, never chosen")
    if row["status"] is not None:
        raise ExperimentIdConflict(f"there is an experiment {experiment_id} already")


def entries() -> Select[Any]:
    """Entries with what is known of them elsewhere in this database."""
    lease = [leases.c[name] for name in (*LEASE_FIELDS, "epoch", "released_at") if name != "experiment_id"]
    joined = registrations.outerjoin(experiments, experiments.c.experiment_id == registrations.c.experiment_id)
    joined = joined.outerjoin(leases, leases.c.experiment_id == registrations.c.experiment_id)
    return select(registrations, experiments.c.status, *lease).select_from(joined)


def _to_entry(row: Row, now: str) -> RegistryEntry:
    is_leased = row["lease_id"] is not None and rules.is_active(row, now)
    return RegistryEntry(
        **{key: row[key] for key in ("experiment_id", "name", "config_uri", "created_at")},
        last_known_state=row["last_known_state"] if row["status"] is None else Status(row["status"]).state,
        lease=Lease(**{name: row[name] for name in LEASE_FIELDS}) if is_leased else None,
        warnings=_warnings(row),
    )


def _warnings(row: Row) -> tuple[str, ...] | None:
    """What is stale is said; a hosted experiment never is."""
    if row["status"] is not None or row["failures"] < STALE_AFTER_FAILURES:
        return None
    if row["synced_at"] is None:
        return (f"state-sync-stale: no successful read since its registration at {row['created_at']}",)
    return (f"state-sync-stale: last successful read at {row['synced_at']}",)
