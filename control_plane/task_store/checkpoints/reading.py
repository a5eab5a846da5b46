"""The parts of an archive as JSON: the versions first, then the manifest, then lines one at a time."""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from control_plane.task_store.checkpoints.archive import Archive
from store_client.errors import CheckpointInvalid, SpecVersionMismatch, UnsupportedCheckpointVersion
from store_client.wire.checkpoints import FORMAT_VERSIONS, SPEC_VERSION, Manifest
from store_client.wire.record import Record

R = TypeVar("R", bound=Record)
MAX_LINE_BYTES = 8 * 1024 * 1024
MANIFEST = "manifest.json"


def read_manifest(archive: Archive) -> Manifest:
    """What the archive says of itself; a version that is not read here is refused before anything else is."""
    raw = read_whole(archive, MANIFEST)
    said = parse(raw, MANIFEST)
    format_version, spec_version = (_version(said, key) for key in ("checkpoint_format_version", "spec_version"))
    if format_version not in FORMAT_VERSIONS:
        known = ", ".join(FORMAT_VERSIONS)
        raise UnsupportedCheckpointVersion(f"the archive has format {format_version[:60]!r}; this server reads {known}")
    if spec_version != SPEC_VERSION:
        raise SpecVersionMismatch(
            f"the archive is of protocol {spec_version[:60]!r}, this server speaks {SPEC_VERSION}; "
            "bring it over with a migration tool"
        )
    return to_record(raw, Manifest, MANIFEST)


def read_whole(archive: Archive, path: str) -> bytes:
    """A file that is no list of lines, and small."""
    with archive.open(path) as file:
        raw = file.read(MAX_LINE_BYTES + 1)
    if len(raw) > MAX_LINE_BYTES:
        raise CheckpointInvalid(f"{path} is larger than {MAX_LINE_BYTES} bytes")
    return raw


def read_text(archive: Archive, path: str) -> str:
    try:
        return read_whole(archive, path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointInvalid(f"{path} is not UTF-8") from error


def lines(archive: Archive, path: str) -> Iterator[tuple[str, bytes]]:
    """Every line of a file, with the words that name its place."""
    with archive.open(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            where = f"{path} line {number}"
            if not line.endswith(b"\n"):
                too_long = f"{where} has more than {MAX_LINE_BYTES} bytes"
                raise CheckpointInvalid(too_long if len(line) > MAX_LINE_BYTES else f"{where} does not end")
            if line != line.strip() + b"\n":
                raise CheckpointInvalid(f"{where} is blank or has spaces around its object")
            yield where, line


def parse(raw: bytes, where: str) -> dict[str, Any]:
    """One JSON object without anything that cannot be kept."""
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise CheckpointInvalid(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointInvalid(f"{where} is no JSON object")
    if b"\\u0000" in raw and _has_nul(value):
        raise CheckpointInvalid(f"{where} has a null character in it")
    return value


def to_record(raw: bytes, kind: type[R], where: str) -> R:
    """The object as its record; CheckpointInvalid that says what is wrong with it."""
    try:
        return kind.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise CheckpointInvalid(f"{where}: {faults(error)}") from error


def faults(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)[:3]
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg'].removeprefix('Value error, ')}" for fault in found
    )


def _version(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str):
        raise CheckpointInvalid(f"{MANIFEST}: {key} is missing or no string")
    return value


def _has_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any("\0" in key or _has_nul(inner) for key, inner in value.items())
        case list():
            return any(map(_has_nul, value))
        case _:
            return False
