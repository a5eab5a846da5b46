"""Calls about the control plane's registry of experiments and the leases on them (protocol §11)."""

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.leases import (
    AcquireLease,
    HoldLease,
    Lease,
    LeaseLine,
    LeaseLineList,
    LeaseList,
    RegisterExperiment,
    RegistryEntry,
    RegistryEntryList,
)
from store_client.wire.scalars import WorkerId

C = "/v0/control"
E = C + "/experiments/{entry_id}"  # a registered experiment need not be hosted here, so the call is not scoped by it
L = C + "/leases/{lease_id}"


class EntryFilter(Query):
    name: str | None = None


class LeaseFilter(Query):
    holder: WorkerId


class LeaseLineQuery(PageQuery):
    """Of which experiments, the newest first."""

    q: str | None = Field(default=None, max_length=200, description="part of the experiment's name or id")


REGISTER_EXPERIMENT = Call(
    "register_experiment", "POST", C + "/experiments", Who.ADMIN, "Register an experiment",
    body=RegisterExperiment, answer=RegistryEntry, status=201,
)  # fmt: skip
UNREGISTER_EXPERIMENT = Call(
    "unregister_experiment", "DELETE", E, Who.ADMIN, "Forget a terminated experiment's entry", status=204
)
LIST_REGISTRY = Call(
    "list_registry", "GET", C + "/experiments", Who.EITHER, "List the registered experiments",
    query=EntryFilter, answer=RegistryEntryList,
)  # fmt: skip
READ_REGISTRY_ENTRY = Call(
    "read_registry_entry", "GET", E, Who.EITHER, "Read a registered experiment's entry", answer=RegistryEntry
)
ACQUIRE_LEASE = Call(
    "acquire_lease", "POST", E + "/leases", Who.ORCHESTRATORS, "Acquire the lease on an experiment",
    body=AcquireLease, answer=Lease, status=201,
)  # fmt: skip
RENEW_LEASE = Call(
    "renew_lease", "POST", L + "/renew", Who.ORCHESTRATORS, "Renew a lease", body=HoldLease, answer=Lease,
    is_safe_to_repeat=True,
)  # fmt: skip
RELEASE_LEASE = Call(
    "release_lease", "POST", L + "/release", Who.ORCHESTRATORS, "Release a lease", body=HoldLease,
    is_safe_to_repeat=True,
)  # fmt: skip
LIST_LEASES = Call(
    "list_leases", "GET", C + "/leases", Who.EITHER, "List a holder's active leases",
    query=LeaseFilter, answer=LeaseList,
)  # fmt: skip
LIST_LEASE_LINES = Call(
    "list_lease_lines", "GET", "/api/leases", Who.ADMIN_OR_ADMINS,
    "List the registered experiments with who decides in each", query=LeaseLineQuery, answer=LeaseLineList,
)  # fmt: skip
END_LEASE = Call(
    "end_lease", "POST", "/api/leases/{lease_id}/end", Who.ADMIN_OR_ADMINS,
    "End a lease that somebody else holds", answer=LeaseLine, is_safe_to_repeat=True,
)  # fmt: skip
FORGET_REGISTRATION = Call(
    "forget_registration", "POST", "/api/leases/experiments/{entry_id}/forget", Who.ADMIN_OR_ADMINS,
    "Forget a terminated experiment's entry; the experiment itself stays", status=204,
)  # fmt: skip

CALLS = (
    REGISTER_EXPERIMENT, UNREGISTER_EXPERIMENT, LIST_REGISTRY, READ_REGISTRY_ENTRY, ACQUIRE_LEASE, RENEW_LEASE,
    RELEASE_LEASE, LIST_LEASES, LIST_LEASE_LINES, END_LEASE,
    FORGET_REGISTRATION,
)  # fmt: skip
