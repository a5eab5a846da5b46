"""The shapes of everything on the wire: what is read, and what is sent."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator


class Record(BaseModel):
    """A frozen value read from the wire: unknown keys are ignored, so that servers may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nulls: ClassVar[frozenset[str]] = frozenset()
    """The fields that travel as null when they have no value; all others are absent then (protocol §1.8)."""

    def to_wire(self) -> dict[str, Any]:
        """The JSON object of this record."""
        wire: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        for key in self.nulls:
            wire.setdefault(key, None)
        return wire

    def having(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)


class Sent(Record):
    """What a caller sends: an optional field is absent, never null, unless the class says so in `nulls`."""

    # Not a validator of the raw value: behind one, strict JSON is read as Python, where an array is no tuple.
    @model_validator(mode="after")
    def _has_no_nulls(self, info: ValidationInfo) -> Self:
        if info.mode == "json":
            given = self.model_fields_set & set(type(self).model_fields) - self.nulls
            empty = {key for key in given if getattr(self, key) is None}
            if empty:
                raise ValueError(f"leave {', '.join(sorted(empty))} out instead of sending null")
        return self


class Body(Sent):
    """A closed request body: an unexpected key is refused (protocol §1.2.6)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenBody(Sent):
    """A request body that may carry keys this version does not know."""

    model_config = ConfigDict(frozen=True, extra="allow")
