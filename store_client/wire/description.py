"""What a row of the table of calls means in words: read by the documentation, the console's reference and OpenAPI."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from store_client.errors import (
    BadRequest,
    ExperimentIdMismatch,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    Refused,
    Unauthorized,
)
from store_client.wire.call import Call, Who
from store_client.wire.record import Record
from store_client.wire.refusals import REFUSALS

HOMES: Mapping[str, str] = {
    "automation": "experiments", "course": "variants", "dispatch_mode": "experiments", "end": "experiments",
    "exchange": "sessions", "leaderboard": "variants",
    "pause": "experiments", "policy-errors": "experiments", "progress": "variants", "resume": "experiments",
    "sample": "variants", "scheduler": "jobs", "stages": "tasks", "sign-in-codes": "sessions", "state": "experiments",
    "terminate": "experiments",
    "whoami": "workers", "worker-details": "workers", "group-details": "groups", "checkpoint": "checkpoints",
}  # fmt: skip
"""The noun of a path whose first word is none."""
ARCHIVE = "application/x-eden-checkpoint+tar"
_PREFIX = re.compile(
    r"/(?:v0/experiments/\{experiment_id\}|api/experiments/\{experiment_id\}|v0/control|v0|api)(?=/|$)"
)
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Field:
    """One field of a record: its name, its type in words, and whether it must be there."""

    name: str
    type: str
    is_required: bool
    note: str = ""


@dataclass(frozen=True)
class Described:
    """One call in words."""

    call: Call

    @property
    def noun(self) -> str:
        """The noun it is about."""
        if self.call.path == "/api":
            return "server"
        first = _PREFIX.sub("", self.call.path, count=1).strip("/").partition("/")[0]
        return HOMES.get(first, first or "experiments")

    @property
    def gate(self) -> str:
        return self.call.who.value

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(_PLACE.findall(self.call.path))

    @cached_property
    def body(self) -> tuple[Field, ...]:
        return () if self.call.body is None else fields_of(self.call.body)

    @cached_property
    def query(self) -> tuple[Field, ...]:
        return () if self.call.query is None else fields_of(self.call.query)

    @property
    def upload(self) -> str:
        """The media type of a body that is streamed in; empty when there is none."""
        if not is_upload(self.call):
            return ""
        return "multipart/form-data" if self.noun == "artifacts" else ARCHIVE

    @property
    def download(self) -> str:
        """The media type of an answer that is streamed out; empty when there is none."""
        if not self.call.is_streamed or self.call.answer is not None:
            return ""
        return {"checkpoints": ARCHIVE, "events": "text/event-stream"}.get(self.noun, "*/*")

    @cached_property
    def answer(self) -> str:
        """The type of the answer in words; empty when there is nothing to say."""
        if self.call.answer is None:
            return {"*/*": "bytes"}.get(self.download, self.download)
        return type_in_words(TypeAdapter(self.call.answer).json_schema(ref_template="{model}"))

    @cached_property
    def refusals(self) -> tuple[type[Refused], ...]:
        """Every refusal that the call may answer with, by status."""
        found = {*_general(self.call), *REFUSALS.get(self.call.name, ())}
        return tuple(sorted(found, key=lambda kind: (kind.status, kind.__name__)))


def _general(call: Call) -> Iterator[type[Refused]]:
    """What follows from the shape of a row."""
    if call.who is not Who.ANYONE:
        yield Unauthorized
        if call.who is not Who.EITHER or not call.is_read:
            yield Forbidden  # of a write at least a viewer's credential
    if call.needs_header:
        yield ExperimentIdMismatch
    if call.body or call.query or is_upload(call):
        yield BadRequest
    if call.body or is_upload(call):
        yield PayloadTooLarge
    if _PLACE.search(call.path):
        yield NotFound


def is_upload(call: Call) -> bool:
    """Whether the body is streamed in."""
    return call.is_streamed and not call.is_read and call.answer is not None


def fields_of(record: type[Record]) -> tuple[Field, ...]:
    """The fields of a record as the wire has them."""
    schema = record.model_json_schema(ref_template="{model}")
    required = set(schema.get("required", ()))
    return tuple(
        Field(name, type_in_words(inner), name in required, str(inner.get("description", "")))
        for name, inner in schema.get("properties", {}).items()
    )


def type_in_words(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words; null is never sent, so that it goes without saying."""
    if "anyOf" in schema:
        choices = dict.fromkeys(type_in_words(one) for one in schema["anyOf"] if one.get("type") != "null")
        return " or ".join(choices)
    if "$ref" in schema:
        return str(schema["$ref"])
    if "const" in schema or "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_in_words(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return _object(schema)
    return str(schema.get("type", "any value"))


def _object(schema: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return str(schema.get("title", "object"))
    values = schema.get("additionalProperties")
    return f"object of {type_in_words(values)}" if isinstance(values, dict) and values else "object"
