"""How the parts of a deployment do, in words."""

from typing import Literal

from store_client.wire.record import Record
from store_client.wire.scalars import NonEmpty, Timestamp

HealthState = Literal["ok", "wait", "bad", "idle"]
"""Well, worth a look, broken, or not there to be well."""


class HealthPart(Record):
    """One part: how it does, what to do where it does not do well, and figures as (what, value)."""

    name: NonEmpty
    title: NonEmpty
    state: HealthState
    words: NonEmpty
    advice: str = ""
    facts: tuple[tuple[str, str], ...] = ()


class Health(Record):
    """Every part of a control plane; `now` is its clock's."""

    version: str
    spec_version: str
    now: Timestamp
    parts: tuple[HealthPart, ...]
