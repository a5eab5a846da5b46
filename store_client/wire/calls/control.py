"""Calls about the control plane's registry of experiments and the leases on them (protocol §11)."""

from store_client.wire.call import Call, Query, Who
from store_client.wire.leases import (
    AcquireLease,
    HoldLease,
    Lease,
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

CALLS = (
    REGISTER_EXPERIMENT, UNREGISTER_EXPERIMENT, LIST_REGISTRY, READ_REGISTRY_ENTRY, ACQUIRE_LEASE, RENEW_LEASE,
    RELEASE_LEASE, LIST_LEASES,
)  # fmt: skip
