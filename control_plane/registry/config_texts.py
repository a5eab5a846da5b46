"""Configs as people write them: what is wrong, on which line, and what would change."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from control_plane.registry import directories
from control_plane.registry.rules import changes
from control_plane.registry.rules import config as configs
from control_plane.registry.rules.changes import Change
from control_plane.registry.rules.config import Fault
from store_client.errors import BadRequest
from store_client.wire.configs import MOST_CHARACTERS, ConfigChange, ConfigFault, ConfigReport
from store_client.wire.experiments import AutomationMode, DispatchMode

NO_POLICY = "orchestrators decide about the end of the experiment, and without a termination_policy there is no rule"


def written(row: Mapping[Any, Any]) -> str:
    """The text of an experiment's config; where none was written, one that says the same."""
    kept: str | None = row["config_text"]
    return kept if kept is not None else yaml.safe_dump(dict(row["config"]), sort_keys=False, allow_unicode=True)


def examine(text: str, row: Mapping[Any, Any]) -> tuple[Mapping[str, Any] | None, ConfigReport]:
    """The config in a text, None while there are faults, and what would come of it in this experiment."""
    config, report = _read(text, MOST_CHARACTERS)
    if config is None:
        return None, report
    differing = changes.compare(row["config"], config, is_draft=row["status"] == "draft")
    faults = tuple(_faults(text, [*_forbidden(differing), *_unable(config, row)]))
    told = tuple(_told(differing))
    return (None if faults else config), ConfigReport(faults=faults, notes=report.notes, changes=told)


def examine_new(text: str) -> tuple[Mapping[str, Any] | None, ConfigReport]:
    """The config in a text, None while there are faults, for an experiment that is not there yet."""
    config, report = _read(text, directories.MAX_CONFIG_BYTES)
    if config is None:
        return None, report
    try:
        configs.automation(config, {})
    except BadRequest as error:
        (fault,) = _faults(text, (Fault("automation", error.detail, "Name a command, or have people do that work."),))
        return None, ConfigReport(faults=(fault,), notes=report.notes)
    return config, report


def _read(text: str, most: int) -> tuple[Mapping[str, Any] | None, ConfigReport]:
    if len(text) > most:
        limit = f"it has {len(text):,} characters; a config that is edited has at most {most:,}"
        return None, ConfigReport(faults=(ConfigFault(message=limit),))
    try:
        raw = directories.parse_yaml(text.encode(), "the text")
    except BadRequest as error:
        return None, ConfigReport(faults=(_no_yaml(error),))
    found = configs.find_faults(raw)
    if found:
        return None, ConfigReport(faults=tuple(_faults(text, found)))
    return configs.complete(raw), ConfigReport(notes=configs.find_near_misses(raw))


def _told(differing: tuple[Change, ...]) -> Iterator[ConfigChange]:
    for one in differing:
        if one.effect is not None:
            yield ConfigChange(key=one.key, act=one.act, effect=one.effect)


def _forbidden(differing: tuple[Change, ...]) -> Iterator[Fault]:
    for one in differing:
        if one.effect is None:
            yield Fault(one.key, f"{one.key} cannot be changed here: {one.advice}", "Put it back as it was.")


def _unable(config: Mapping[str, Any], row: Mapping[Any, Any]) -> Iterator[Fault]:
    """What the experiment, as it is switched now, could not do any more."""
    fault = configs.fault_of_automation(AutomationMode.model_validate(row["automation"]), config)
    if fault is not None:
        yield Fault("", fault, "Keep the command, or first have people do that work.")
    decides = DispatchMode.model_validate(row["dispatch_mode"]).termination
    if decides == "auto" and config.get("termination_policy") is None and row["config"].get("termination_policy"):
        yield Fault("", NO_POLICY, "Keep the policy, or first have people take that decision.")


def _faults(text: str, found: tuple[Fault, ...] | list[Fault]) -> Iterator[ConfigFault]:
    root = yaml.compose(text, Loader=yaml.SafeLoader) if found else None
    for one in found:
        key = one.key if one.key and " " not in one.key and len(one.key) < 200 else None
        yield ConfigFault(
            key=key, line=None if key is None else _line(root, key), message=one.message, advice=one.advice or None
        )


def _line(node: yaml.Node | None, key: str) -> int | None:
    """The line of a key, or of the last part of the way to it that is there."""
    line = None
    for part in key.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        met = next(((name, value) for name, value in pairs if name.value == part), None)
        if met is None:
            return line
        line, node = met[0].start_mark.line + 1, met[1]
    return line


def _no_yaml(error: BadRequest) -> ConfigFault:
    cause = error.__cause__
    mark = cause.problem_mark if isinstance(cause, yaml.MarkedYAMLError) else None
    problem = cause.problem if isinstance(cause, yaml.MarkedYAMLError) else None
    return ConfigFault(
        line=None if mark is None else mark.line + 1,
        message=f"this is no YAML: {problem}" if problem else error.detail,
        advice="Look at the indentation, quotes and colons there and in the line before.",
    )
