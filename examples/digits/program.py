"""The CONFIG of a program: read from its source, changed as an idea says, and written back."""

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
Change = dict[str, dict[str, Any]]

CHANGE_BLOCK = re.compile(r"^```json\s*\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Draft:
    """An idea before it is written down: its kind, what tells it from others of its kind, why, and the change."""

    kind: str
    detail: str
    reason: str
    change: Change

    @property
    def slug(self) -> str:
        """The kind is the first word, where the lineage finds it again."""
        words = re.findall("[a-z0-9]+", self.detail.lower())
        return "-".join([self.kind, *words])[:60].rstrip("-")


class IdeaError(ValueError):
    """Why an idea cannot be applied, in words for its author."""


def read_config(source: str) -> Config:
    """The value of the program's CONFIG, found without running the program."""
    config: Config = ast.literal_eval(assignment(source).value)
    return config


def write_config(source: str, config: Config) -> str:
    """The source with this CONFIG in place of its own, every key on a line."""
    value = assignment(source).value
    lines = source.splitlines(keepends=True)
    before, after = lines[value.lineno - 1][: value.col_offset], lines[value.end_lineno - 1][value.end_col_offset :]
    rows = [f'    "{key}": {pretty(config[key])},\n' for key in config]
    return "".join([*lines[: value.lineno - 1], before, "{\n", *rows, "}", after, *lines[value.end_lineno :]])


def assignment(source: str) -> Any:
    """The statement that gives CONFIG its value."""
    for statement in ast.parse(source).body:
        names = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        if any(isinstance(name, ast.Name) and name.id == "CONFIG" for name in names):
            return statement
    raise IdeaError("the program has no CONFIG")


def pretty(value: Any) -> str:
    """Steps, one a line; anything else as JSON, which reads the same in Python without true, false and null."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[\n" + "".join(f"        {json.dumps(item)},\n" for item in value) + "    ]"
    return json.dumps(value)


def read_change(idea: str) -> Change:
    """The change in the first JSON block of an idea."""
    block = CHANGE_BLOCK.search(idea)
    if block is None:
        raise IdeaError("the idea holds no ```json block with a change: carry it out by hand")
    try:
        change: Change = json.loads(block[1])
    except ValueError as fault:
        raise IdeaError(f"the change is not JSON: {fault}") from None
    if not isinstance(change, dict) or not set(change) <= {"set", "append"}:
        raise IdeaError('a change is {"set": {key: value}} or {"append": {key: [items]}}, or both')
    if not all(isinstance(part, dict) for part in change.values()):
        raise IdeaError("`set` and `append` must map the keys of CONFIG to values")
    return change


def apply(config: Config, change: Change) -> Config:
    """The configuration after the change."""
    changed = dict(config)
    for key, value in change.get("set", {}).items():
        changed[checked(config, key, value)] = value
    for key, items in change.get("append", {}).items():
        changed[checked(config, key, items)] = [*changed[key], *items]
    if changed == config:
        raise IdeaError("the idea changes nothing")
    return changed


def checked(config: Config, key: str, value: Any) -> str:
    """The key, if CONFIG has it with this kind of value."""
    if key not in config:
        raise IdeaError(f"CONFIG has no `{key}`; it has {', '.join(config)}")
    kinds = (int, float) if isinstance(config[key], (int, float)) else type(config[key])
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise IdeaError(f"`{key}` is {json.dumps(config[key])}, which {json.dumps(value)} cannot replace")
    return key
