"""A new experiment decided: everything about it that does not depend on what is there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.registry.rules import config as configs
from control_plane.registry.rules import names
from store_client.wire.experiments import AutomationMode, CreateExperiment, Status


@dataclass(frozen=True)
class Plan:
    """A checked wish for an experiment; `slug` yields to a taken one unless `is_slug_exact`."""

    name: str
    slug: str
    is_slug_exact: bool
    status: Status
    config: Mapping[str, Any]
    automation: AutomationMode
    config_text: str | None = None
    """The config as it was written, where it was."""


def plan(body: CreateExperiment, raw: Mapping[str, Any], fallback_name: str) -> Plan:
    """The experiment that a request and its config ask for."""
    config = configs.complete(raw)
    name = names.check(body.name) if body.name is not None else names.wanted(config.get("name", fallback_name))
    name = name or "Experiment"
    wish = body.automation.to_wire() if body.automation else {}
    return Plan(
        name=name,
        slug=body.slug or config.get("slug") or names.slug(name),
        is_slug_exact=body.slug is not None,
        status=Status.DRAFT if body.is_draft else Status.RUNNING,
        config=config,
        automation=configs.automation(config, wish),
    )
