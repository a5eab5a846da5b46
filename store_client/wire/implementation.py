"""What a server says that it is."""

from pydantic import Field

from store_client.wire.record import Record
from store_client.wire.scalars import NonEmpty

IMPLEMENTATION = "switchyard"
SPEC_VERSION = "v0"


class Implementation(Record):
    """A server that names itself `switchyard` offers `/api`; any other speaks the protocol alone."""

    implementation: NonEmpty
    spec_version: NonEmpty = Field(description="version of the protocol under /v0")
    version: str | None = None
