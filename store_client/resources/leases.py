"""The control plane's registry of experiments, and leases on them."""

from store_client.resources.resource import Resource
from store_client.wire.calls import control as calls
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


class Leases(Resource):
    """Who orchestrates which experiment."""

    async def register_experiment(self, body: RegisterExperiment) -> RegistryEntry:
        """A new entry, whose experiment has to be made under its id."""
        answer: RegistryEntry = await self._send(calls.REGISTER_EXPERIMENT, body)
        return answer

    async def unregister_experiment(self, experiment_id: str) -> None:
        await self._send(calls.UNREGISTER_EXPERIMENT, entry_id=experiment_id)

    async def list_registry(self, name: str | None = None) -> RegistryEntryList:
        answer: RegistryEntryList = await self._send(calls.LIST_REGISTRY, query=calls.EntryFilter(name=name))
        return answer

    async def read_registry_entry(self, experiment_id: str) -> RegistryEntry:
        answer: RegistryEntry = await self._send(calls.READ_REGISTRY_ENTRY, entry_id=experiment_id)
        return answer

    async def acquire_lease(self, experiment_id: str, holder: str, holder_instance: str) -> Lease:
        """Raises LeaseHeldByOther while anybody holds it, the same holder too."""
        body = AcquireLease(holder=holder, holder_instance=holder_instance)
        answer: Lease = await self._send(calls.ACQUIRE_LEASE, body, entry_id=experiment_id)
        return answer

    async def renew_lease(self, lease_id: str, holder_instance: str) -> Lease:
        """Raises LeaseExpired or LeaseNotHeld (do not act any more), or LeaseInstanceMismatch."""
        body = HoldLease(holder_instance=holder_instance)
        answer: Lease = await self._send(calls.RENEW_LEASE, body, lease_id=lease_id)
        return answer

    async def release_lease(self, lease_id: str, holder_instance: str) -> None:
        """Let go of a lease; one that is gone already is fine."""
        await self._send(calls.RELEASE_LEASE, HoldLease(holder_instance=holder_instance), lease_id=lease_id)

    async def list_leases(self, holder: str) -> LeaseList:
        answer: LeaseList = await self._send(calls.LIST_LEASES, query=calls.LeaseFilter(holder=holder))
        return answer

    async def list_lease_lines(self, query: calls.LeaseLineQuery | None = None) -> LeaseLineList:
        """The registered experiments with who decides in each, a page at a time."""
        asked = query or calls.LeaseLineQuery()
        answer: LeaseLineList = await self._send(calls.LIST_LEASE_LINES, query=asked)
        return answer

    async def end_lease(self, lease_id: str) -> LeaseLine:
        """Take the lease from whoever holds it; one that is gone already is fine."""
        answer: LeaseLine = await self._send(calls.END_LEASE, lease_id=lease_id)
        return answer

    async def forget_registration(self, experiment_id: str) -> None:
        """Unregister as an administrator; InvalidPrecondition unless it is terminated and nobody holds a lease."""
        await self._send(calls.FORGET_REGISTRATION, entry_id=experiment_id)
