"""Experiment directories on the server's machine: the config inside one."""

from pathlib import Path
from typing import Any

import yaml

from store_client.errors import BadRequest

CONFIG_FILES = (".eden/config.yaml", "experiment.yaml")
MAX_CONFIG_BYTES = 1024 * 1024
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """YAML as JSON can say it: what looks like a date stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the parent's table, less one tag
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def find(directory: str) -> Path:
    """The directory a request names; BadRequest when there is none."""
    path = Path(directory)
    try:
        if path.is_absolute() and path.is_dir():
            return path
    except (OSError, ValueError) as error:
        raise BadRequest(f"the server cannot look at {directory[:200]!r}: {error}") from error
    raise BadRequest(f"{directory[:200]!r} is no directory on the server's machine; give its absolute path")


def find_config(directory: Path) -> Path:
    """The directory's config file; BadRequest when there is none."""
    for name in CONFIG_FILES:
        if (directory / name).is_file():
            return directory / name
    raise BadRequest(f"{directory} has neither {CONFIG_FILES[0]} nor {CONFIG_FILES[1]}")


def read_config(directory: Path) -> Any:
    """What the directory's config file says, not yet checked."""
    return read_yaml(find_config(directory))


def read_yaml(file: Path) -> Any:
    """The one document of a YAML file."""
    return parse_yaml(_read(file), str(file))


def read_text(file: Path) -> str:
    """A config as it was written."""
    return _read(file).decode("utf-8", "replace").replace("\0", "")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise BadRequest(f"{file} is larger than {MAX_CONFIG_BYTES} bytes")
    return raw


def parse_yaml(raw: bytes, name: str) -> Any:
    """The one document of a YAML text."""
    try:
        return yaml.load(raw, Loader=_Loader)  # noqa: S506 - a safe loader, with one tag less
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadRequest(f"{name} is no YAML: {str(error).splitlines()[0][:200]}") from error
