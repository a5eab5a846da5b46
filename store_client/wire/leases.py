"""The control plane's registry of experiments, and leases on them (protocol §11)."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ArtifactUri, ExperimentId, NonEmpty, OpaqueId, Timestamp, WorkerId

ESCAPED_WRONG = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _uri(value: str) -> str:
    if ESCAPED_WRONG.search(value) or value.count("#") > 1:
        raise ValueError("must be a URI as RFC 3986 writes it")
    return value


Uri = Annotated[ArtifactUri, AfterValidator(_uri)]


class Lease(Record):
    """The exclusive, expiring right of one instance of a worker to orchestrate one experiment."""

    lease_id: NonEmpty
    experiment_id: ExperimentId
    holder: WorkerId
    holder_instance: NonEmpty
    acquired_at: Timestamp
    expires_at: Timestamp
    renewed_at: Timestamp


class LeaseList(Record):
    leases: tuple[Lease, ...]


class AcquireLease(Body):
    holder: WorkerId
    holder_instance: OpaqueId


class HoldLease(Body):
    """What renews or releases a lease: the instance that acquired it."""

    holder_instance: OpaqueId


class RegistryEntry(Record):
    """One experiment that this control plane knows."""

    experiment_id: ExperimentId
    name: str | None = None
    config_uri: NonEmpty
    created_at: Timestamp
    last_known_state: Literal["running", "terminated"]
    lease: Lease | None = Field(default=None, description="the active lease")
    warnings: tuple[str, ...] | None = None

    nulls: ClassVar[frozenset[str]] = frozenset({"name", "lease"})


class RegistryEntryList(Record):
    experiments: tuple[RegistryEntry, ...]

    def to_wire(self) -> dict[str, Any]:
        return {"experiments": [entry.to_wire() for entry in self.experiments]}


class RegisterExperiment(Body):
    """A new entry; its id is minted, save when an import that could not register is recovered (protocol §11.8)."""

    name: str | None = None
    config_uri: Uri
    experiment_id: ExperimentId | None = Field(default=None, description="the id that an import has minted already")

    nulls: ClassVar[frozenset[str]] = frozenset({"name"})


class LeaseLine(Record):
    """A registered experiment with who decides in it now."""

    experiment_id: ExperimentId
    name: str | None = None
    state: Literal["running", "terminated"]
    is_here: bool = Field(description="hosted by this server, where its state is never stale")
    synced_at: Timestamp | None = Field(default=None, description="when the server that hosts it answered last")
    failures: int = Field(default=0, description="how often in a row that server has not answered")
    epoch: int = Field(default=0, description="how many leases there have been on it")
    lease: Lease | None = Field(default=None, description="the active lease")
    holder_name: str | None = None


class LeaseLineList(Record):
    lines: tuple[LeaseLine, ...]
    held: int = Field(description="how many active leases there are in all")
    next: str | None = None
