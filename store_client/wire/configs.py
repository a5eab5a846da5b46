"""Configs as they are edited: checked, changed, and every version kept."""

from pydantic import Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import NonEmpty, Text, Timestamp

MOST_CHARACTERS = 64 * 1024
"""A config that is longer is nothing that people edit."""


class CheckConfig(Body):
    """The YAML of a config as somebody would have it."""

    text: Text


class ChangeConfig(Body):
    """The YAML of a config, written from a version."""

    text: Text
    based_on: int = Field(ge=1, description="the version that it was written from")


class ConfigFault(Record):
    """Something that keeps a config from being used."""

    key: str | None = Field(default=None, description="the key at fault, with dots between")
    line: int | None = Field(default=None, description="of the text, from 1")
    message: NonEmpty
    advice: str | None = Field(default=None, description="what to do about it")


class ConfigChange(Record):
    """A key whose value would be another, and what of the work that is under way sees it."""

    key: NonEmpty
    act: str = Field(description="added, changed or removed")
    effect: NonEmpty


class ConfigReport(Record):
    """What would come of a text: nothing while there are faults."""

    faults: tuple[ConfigFault, ...] = ()
    notes: tuple[str, ...] = Field(default=(), description="what is allowed, and perhaps not meant")
    changes: tuple[ConfigChange, ...] = ()


class ConfigLine(Record):
    """One version of a config: which keys it changed, when, and by whom."""

    number: int
    keys: tuple[str, ...] = ()
    changed_at: Timestamp
    changed_by: str | None = None
    changed_by_name: str | None = None


class ConfigVersion(ConfigLine):
    """One version whole; the first is the one that the experiment began with."""

    text: str
    is_newest: bool


class ConfigHistory(Record):
    """Versions, the newest first."""

    versions: tuple[ConfigLine, ...]
    next: str | None = None
