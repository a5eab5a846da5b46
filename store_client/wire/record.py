"""The shapes of everything on the wire: what is read, and what is sent."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic_core import CoreSchema


class Record(BaseModel):
    """A frozen value read from the wire: unknown keys are ignored, so that servers may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nulls: ClassVar[frozenset[str]] = frozenset()
    """The fields that travel as null when they have no value; all others are absent then (protocol §1.8)."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The JSON Schema of what travels: a field is absent where the class of it here says None."""
        schema = handler(core)
        for name, field in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if name not in cls.nulls and "anyOf" in field:
                choices = [choice for choice in field.pop("anyOf") if choice.get("type") != "null"]
                field.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
            if field.get("default", "") is None:
                del field["default"]
        return schema

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
