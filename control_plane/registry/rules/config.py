"""Reading an experiment config: every fault named by its key, every default filled in."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from control_plane.registry.rules.shape import Config
from store_client.errors import BadRequest
from store_client.wire.experiments import COMMAND_KEYS, AutomationMode, DispatchMode

DEFAULTED = (
    "ideation_policy", "baseline", "max_quiescent_iterations", "ideation_task_deadline", "execution_task_deadline",
    "evaluation_task_deadline",
)  # fmt: skip
MAX_DEPTH = 40
NEAR = 0.8
"""So alike are a key and its misspelling."""
LONGEST_KEY, MOST_COMPARED = 60, 50
MAX_VALUES = 50_000
MAX_INTEGER = 2**63


@dataclass(frozen=True)
class Fault:
    """What is wrong with a config: the key, where one is at fault, and what to do, where that can be said."""

    key: str
    message: str
    advice: str = ""


def read(raw: Any) -> Config:
    """The config in a mapping; BadRequest that names each key at fault."""
    _check_values(raw)
    try:
        return _read(raw)
    except ValidationError as error:
        raise BadRequest("the config: " + "; ".join(fault.message for fault in _faults(error)[:6])) from error


def find_faults(raw: Any) -> tuple[Fault, ...]:
    """Everything that `read` would refuse."""
    try:
        _check_values(raw)
        _read(raw)
    except BadRequest as error:
        message = error.detail.removeprefix("the config: ")
        return (Fault(message.partition(":")[0], message),)
    except ValidationError as error:
        return tuple(_faults(error))
    return ()


def find_near_misses(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that are none of ours and look like one: they are kept, and nothing reads them."""
    known = tuple(Config.model_fields)
    strange = [key for key in raw if key not in known and len(key) <= LONGEST_KEY][:MOST_COMPARED]
    near = ((key, get_close_matches(key, known, 1, NEAR)) for key in strange)
    return tuple(f"{key} is no key of ours, so nothing reads it; {found[0]} is one" for key, found in near if found)


def _read(raw: Any) -> Config:
    return Config.model_validate_json(json.dumps(raw), strict=True)


def _faults(error: ValidationError) -> list[Fault]:
    return [_say(fault) for fault in error.errors(include_url=False, include_input=False, include_context=False)]


def complete(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is kept: what was given, checked, with the defaults beside it."""
    config = read(raw)
    defaults = config.model_dump(mode="json", include=set(DEFAULTED), exclude_none=True)
    return {
        **defaults,
        **raw,
        "parallel_variants": config.parallel_variants,
        "dispatch_mode": {**DispatchMode().to_wire(), **config.dispatch_mode},
        "baseline": {"enabled": config.baseline.enabled, **raw.get("baseline", {})},
    }


def commands(config: Mapping[str, Any]) -> dict[str, str]:
    """The shell command of each role that has one."""
    return {role: config[key] for role, key in COMMAND_KEYS.items() if config.get(key)}


def automation(config: Mapping[str, Any], wish: Mapping[str, str]) -> AutomationMode:
    """Who does each role's work: as wished, as configured, else by automatic workers where there is a command."""
    able = commands(config)
    default = {role: "automatic" if role in able else "manual" for role in COMMAND_KEYS}
    mode = AutomationMode.model_validate({**default, **config.get("automation", {}), **wish})
    fault = fault_of_automation(mode, config)
    if fault:
        raise BadRequest(fault)
    return mode


def fault_of_automation(mode: AutomationMode, config: Mapping[str, Any]) -> str | None:
    """Why these roles cannot be automatic, or None."""
    able = commands(config)
    for role, key in COMMAND_KEYS.items():
        if getattr(mode, role) == "automatic" and role not in able:
            return f"the {role} cannot be automatic: the config has no {key}"
    return None


def _check_values(raw: Any) -> None:
    if not isinstance(raw, Mapping):
        raise BadRequest("the config must be a mapping of keys to values")
    for number, (path, value) in enumerate(_values(raw, "", 0)):
        fault = "the config has too many values" if number > MAX_VALUES else _fault(value)
        if fault:
            raise BadRequest(f"the config: {path}: {fault}" if path else f"the config: {fault}")


def _values(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Every value and key inside a value, with its path; lazily, so that a bomb is met, not unfolded."""
    if depth > MAX_DEPTH:
        raise BadRequest(f"the config: {path[:80]}… is nested too deeply")
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise BadRequest(f"the config: {path or 'it'} has the key {key!r}, which is not text; put it in quotes")
            yield path, key
            yield from _values(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{path}[{index}]", depth + 1)


def _fault(value: Any) -> str | None:
    if isinstance(value, str):
        has_odd = any(character == "\x00" or 0xD800 <= ord(character) <= 0xDFFF for character in value)
        return "has a character that cannot be kept" if has_odd else None
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return "is too large a number"
    is_known = value is None or isinstance(value, bool | int | float | Mapping | list | tuple)
    return None if is_known else f"{type(value).__name__} is not a value of JSON; put it in quotes"


def _say(fault: Any) -> Fault:
    path = ".".join(str(part) for part in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "missing":
        return Fault(path, f"{path} is missing", f"Add {path}.")
    if fault["type"] == "extra_forbidden":
        return Fault(path, f"{path} is not a key that belongs there", "Take it out, or correct its spelling.")
    return Fault(path or message.partition(" ")[0], f"{path}: {message}" if path else message)
