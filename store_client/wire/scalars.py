"""Identifiers, names, times and numbers as the protocol spells them (protocol §1.4 to §1.7)."""

import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

SUFFIX = "[0-9a-hjkmnp-tv-z]{26}"
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
SURROGATE = re.compile("[\ud800-\udfff]")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co"})
MAX_NAME = 128


class _Matching:
    """Text that matches a pattern as a whole."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._compiled = pattern, re.compile(pattern)

    def check(self, value: str) -> str:
        if self._compiled.fullmatch(value) is None:
            raise ValueError(f"must match {self._pattern}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), "pattern": f"^{self._pattern}$"}


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain a null character")
    if not value.isascii() and SURROGATE.search(value) is not None:
        raise ValueError("must not contain a lone surrogate")
    return value


def _timestamp(value: str) -> str:
    parse_time(value)
    return value


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not a boolean")  # noqa: TRY004 - pydantic reads ValueError
    return value


def _finite(value: float) -> float:
    try:
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise ValueError("must be a finite number")
    return value


Text = Annotated[str, AfterValidator(_no_nul)]
NonEmpty = Annotated[str, StringConstraints(min_length=1), AfterValidator(_no_nul)]
OpaqueId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_nul)]
ExperimentId = Annotated[str, _Matching(f"exp_{SUFFIX}")]
WorkerId = Annotated[str, _Matching(f"wkr_{SUFFIX}")]
GroupId = Annotated[str, _Matching(f"grp_{SUFFIX}")]
ActorId = Annotated[str, _Matching(f"(admin|wkr_{SUFFIX})")]
MemberId = Annotated[str, _Matching(f"(wkr|grp)_{SUFFIX}")]
Commit = Annotated[str, _Matching("[0-9a-f]{40}([0-9a-f]{24})?")]
AnySlug = Annotated[str, _Matching("[a-z0-9][a-z0-9-]*")]
"""A slug as it is read: another server may take longer ones than we do."""
Slug = Annotated[AnySlug, StringConstraints(max_length=200)]
WorkBranch = Annotated[str, StringConstraints(max_length=400), _Matching("work/.+"), AfterValidator(_no_nul)]
Timestamp = Annotated[str, AfterValidator(_timestamp), WithJsonSchema({"type": "string", "format": "date-time"})]
ArtifactUri = Annotated[str, StringConstraints(min_length=1, max_length=4000), _Matching(URI.pattern)]
Number = Annotated[float | int, BeforeValidator(_not_boolean), AfterValidator(_finite)]


def parse_time(value: str) -> datetime:
    """The moment a wire timestamp names; ValueError when there is no such moment."""
    if TIMESTAMP.fullmatch(value) is None:
        raise ValueError("must be a UTC time such as 2030-01-31T12:00:00Z")
    return datetime.fromisoformat(value)


def format_time(moment: datetime) -> str:
    """A moment as the fixed-width UTC timestamp that sorts as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def fault_of_name(name: str) -> str | None:
    """Why a display name is ill-formed (protocol §1.5), or None; `name` is in NFC."""
    if not name.strip():
        return "a name must not be blank"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters"
    if name != name.strip():
        return "a name must not begin or end with a space"
    if any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in name):
        return "a name must not contain control or unassigned characters"
    return None


def normal_name(name: str) -> str:
    """A display name in the form in which it is checked, stored and compared."""
    return unicodedata.normalize("NFC", name)
