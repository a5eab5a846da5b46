"""Experiments that arrive whole, out of an archive: config read, row written, reserved groups found."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, delete, insert, select, update

from control_plane.db.identities import RESERVED_GROUPS
from control_plane.db.tables import events, experiments, groups, members, tallies, workers
from control_plane.db.transaction import Tx
from control_plane.registry import directories
from control_plane.registry.operations import experiments as creation
from control_plane.registry.operations import groups as registry
from control_plane.registry.operations.experiments import Seeded
from control_plane.registry.rules import config as configs
from control_plane.registry.rules import names
from control_plane.registry.rules.plans import Plan, plan
from control_plane.registry.tables import reserved_groups
from store_client.errors import BadRequest, ExperimentIdConflict
from store_client.wire.experiments import AutomationMode, CreateExperiment, DispatchMode
from store_client.wire.scalars import SLUG

HELD: tuple[Table, ...] = (tallies,)
"""What an experiment that holds anything has rows in, beside its registries and its log."""
TOLD = ("kind", "description", "hypothesis", "tags", "ended_at", "end_reason")
MANUAL = dict.fromkeys(DispatchMode.model_fields, "manual")


def read_config(text: str) -> Mapping[str, Any]:
    """A config's text as the registry keeps it; BadRequest for one that it would not take."""
    if len(text) > directories.MAX_CONFIG_BYTES:
        raise BadRequest(f"it is larger than {directories.MAX_CONFIG_BYTES} bytes")
    raw = directories.parse_yaml(text.encode(), "it")
    return plan(CreateExperiment(config={}), raw, "Experiment").config


def stand_in(metrics: Mapping[str, str]) -> Mapping[str, Any]:
    """A config for an experiment that came without one: it can be looked at and finished, and dispatches nothing."""
    numbers = [name for name, kind in metrics.items() if kind != "text"]
    raw = {
        "parallel_variants": 1,
        "evaluation_schema": dict(metrics) or {"unknown": "real"},
        "objective": {"expr": numbers[0] if numbers else "0", "direction": "maximize"},
        "dispatch_mode": MANUAL,
        "baseline": {"enabled": False},
    }
    return plan(CreateExperiment(config={}), raw, "Experiment").config


def must_be_free(tx: Tx) -> None:
    """ExperimentIdConflict when the experiment is there and holds anything."""
    if creation.exists(tx) and any(_holds(tx, table) for table in (workers, groups, events, *HELD)):
        raise ExperimentIdConflict(f"there is an experiment {tx.experiment_id} already")


def settle(tx: Tx, config: Mapping[str, Any], arrived: Mapping[str, Any]) -> None:
    """Write the experiment's row: a new one, or that of a pristine experiment given to the server at its start."""
    decided = _decide(config, arrived)
    known = tx.connection.scalar(select(experiments.c.slug).where(experiments.c.experiment_id == tx.experiment_id))
    if known is None:
        creation.create(tx, decided, Seeded(tx.experiment_id), has_groups=False)
    mode = arrived["dispatch_mode"] or config["dispatch_mode"]
    changed = {
        **{key: arrived[key] for key in ("base_commit_sha", "imported_from", "created_at", "config_text")},
        **{key: arrived.get(key) for key in TOLD},
        "name": decided.name,
        "status": arrived["status"].value,
        "config": dict(config),
        "dispatch_mode": mode if arrived["is_complete"] else MANUAL,
        "automation": decided.automation.to_wire() if arrived["is_complete"] else AutomationMode().to_wire(),
        "updated_at": tx.now,
    }
    which = experiments.c.experiment_id == tx.experiment_id
    tx.connection.execute(update(experiments).where(which).values(changed))
    tx.reload()


def reserve(tx: Tx) -> None:
    """Have exactly one living group of each reserved name: the first of that name, with the members of all."""
    tx.connection.execute(delete(reserved_groups).where(reserved_groups.c.scope == tx.experiment_id))
    for name in sorted(RESERVED_GROUPS):
        named = select(groups.c.group_id).where(groups.c.scope == tx.experiment_id, groups.c.name == name)
        first, *others = [*tx.connection.scalars(named.order_by(groups.c.created_at, groups.c.group_id))] or [None]
        if first is None:
            registry.make(tx, name)
            continue
        row = {"scope": tx.experiment_id, "name": name, "group_id": first}
        tx.connection.execute(insert(reserved_groups).values(row))
        for other in others:
            _merge(tx, other, first)


def _merge(tx: Tx, other: str, first: str) -> None:
    """Give the first group what another of its name holds; the other stays, without the name."""
    here = members.c.scope == tx.experiment_id
    held = list(tx.connection.scalars(select(members.c.member_id).where(here, members.c.group_id == other)))
    for member_id in held:
        if member_id != first:
            registry.join(tx, first, member_id)
    which = (groups.c.scope == tx.experiment_id) & (groups.c.group_id == other)
    tx.connection.execute(update(groups).where(which).values(name=None))


def _decide(config: Mapping[str, Any], arrived: Mapping[str, Any]) -> Plan:
    """The experiment's name, slug and automation; what the exporter kept goes before what the config says."""
    name = names.wanted(str(arrived["name"] or config.get("name") or "")) or "Imported experiment"
    kept_slug = arrived.get("slug")
    slug = kept_slug if isinstance(kept_slug, str) and SLUG.fullmatch(kept_slug) else config.get("slug")
    return Plan(
        name=name,
        slug=str(slug or names.slug(name))[: names.MAX_SLUG],
        is_slug_exact=False,
        status=arrived["status"],
        config=config,
        automation=_automation(config, arrived.get("automation")),
    )


def _automation(config: Mapping[str, Any], kept: Any) -> AutomationMode:
    able = configs.commands(config)
    wish = kept if isinstance(kept, Mapping) else {}
    wish = {role: mode for role, mode in wish.items() if mode == "manual" or (mode == "automatic" and role in able)}
    try:
        return configs.automation(config, wish)
    except (BadRequest, ValueError):
        return AutomationMode()


def _holds(tx: Tx, table: Table) -> bool:
    if table is events:  # what the server itself told of a new experiment is nobody's work
        of_it = (events.c.experiment_id == tx.experiment_id) & events.c.sequence.is_not(None)
        return tx.connection.scalar(select(events.c.position).where(of_it).limit(1)) is not None
    scope = table.c.experiment_id if "experiment_id" in table.c else table.c.scope
    return tx.connection.scalar(select(scope).where(scope == tx.experiment_id).limit(1)) is not None
