"""One call of the wire: a row that client, server, authorisation, OpenAPI and tests all read."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from store_client.wire.record import Record


class Who(Enum):
    """Who may make a call; workers and groups are those of the experiment in the path, else of the deployment."""

    ANYONE = "anyone, without a credential"
    ADMIN = "the admin bearer"
    WORKER = "a registered worker"
    ORCHESTRATORS = "a worker in the group orchestrators"
    ADMINS = "a worker in the group admins"
    ADMINS_OR_ORCHESTRATORS = "a worker in the group admins or orchestrators"
    EITHER = "the admin bearer or a registered worker"
    ADMIN_OR_ADMINS = "the admin bearer or a worker in the group admins"
    ADMIN_OR_CONSOLES = "the admin bearer or a worker in the group consoles"
    OF_NAMED = (
        "the admin bearer, a deployment's worker in the group admins, or a worker of the experiment that is named"
    )
    ATTEMPT = "the attempt itself"
    PERSON = "a signed-in person, for themselves"

    @property
    def groups(self) -> tuple[str, ...]:
        """The reserved groups of which the calling worker must be in one."""
        return _GROUPS.get(self, ())

    @property
    def admits_admin(self) -> bool:
        return self in {Who.ADMIN, Who.EITHER, Who.ADMIN_OR_ADMINS, Who.ADMIN_OR_CONSOLES, Who.OF_NAMED}

    @property
    def admits_workers(self) -> bool:
        return self is not Who.ADMIN


_GROUPS = {
    Who.ORCHESTRATORS: ("orchestrators",),
    Who.ADMINS: ("admins",),
    Who.ADMINS_OR_ORCHESTRATORS: ("admins", "orchestrators"),
    Who.ADMIN_OR_ADMINS: ("admins",),
    Who.ADMIN_OR_CONSOLES: ("consoles",),
    Who.OF_NAMED: ("admins",),
}


class Query(Record):
    """Parameters after the question mark; unknown ones are ignored."""


class PageQuery(Query):
    """Keyset paging: `after` is the `next` of the page before."""

    limit: int = Field(default=50, ge=1, le=500)
    after: str | None = Field(default=None, max_length=400)


@dataclass(frozen=True)
class Call:
    """One row of the table of calls."""

    name: str
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    who: Who
    summary: str
    body: type[Record] | None = None
    query: type[Query] | None = None
    answer: Any = None
    status: int = 200
    body_is_optional: bool = False
    is_streamed: bool = False
    is_safe_to_repeat: bool = False
    is_answer_optional: bool = False
    is_for_members: bool = False
    """Whether somebody without a role in the deployment may ask it there: it answers with what is theirs alone."""
    _adapters: dict[str, TypeAdapter[Any]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_scoped(self) -> bool:
        """Whether the call works inside one experiment."""
        return "{experiment_id}" in self.path

    @property
    def needs_header(self) -> bool:
        """Whether `X-Eden-Experiment-Id` is obligatory (protocol §1.3)."""
        return self.path.startswith("/v0/experiments/")

    @property
    def is_ours(self) -> bool:
        """Whether a server that speaks the protocol alone does not know the call."""
        return self.path.startswith("/api/")

    @property
    def is_read(self) -> bool:
        return self.method == "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether doing it again after a silence changes nothing that doing it once would not."""
        return self.is_read or self.is_safe_to_repeat

    def decode(self, payload: Any) -> Any:
        """The answer as its record; ValidationError when it has another shape."""
        if self.answer is None:
            return None
        if "answer" not in self._adapters:
            self._adapters["answer"] = TypeAdapter(self.answer)
        return self._adapters["answer"].validate_python(payload)
