"""What is told of an experiment and how it is configured, changed while every version is kept."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update

from control_plane.db.tables import workers
from control_plane.db.transaction import Tx
from control_plane.registry import config_texts
from control_plane.registry.operations import lifecycle, reading
from control_plane.registry.rules import names
from control_plane.registry.tables import config_versions, registrations
from store_client.errors import BadRequest, IllegalTransition, InvalidPrecondition, NotFound
from store_client.wire.call import PageQuery
from store_client.wire.configs import (
    ChangeConfig,
    CheckConfig,
    ConfigFault,
    ConfigHistory,
    ConfigLine,
    ConfigReport,
    ConfigVersion,
)
from store_client.wire.experiments import ChangeExperiment, ExperimentDetail

FIRST = 1
SLUG_STAYS = (
    "the slug stays: bookmarks, messages and scripts name the experiment by it; change its name, or clone the "
    "experiment under another one"
)
_VERSIONS = select(config_versions, workers.c.name.label("changed_by_name")).outerjoin(
    workers,
    (workers.c.scope == config_versions.c.experiment_id) & (workers.c.worker_id == config_versions.c.changed_by),
)


def change(tx: Tx, body: ChangeExperiment, *, git_root: str = "") -> ExperimentDetail:
    """Change the name, the tags and what is told of the experiment; its addresses stay."""
    if body.slug is not None and body.slug != tx.experiment["slug"]:
        raise BadRequest(SLUG_STAYS)
    wanted: dict[str, Any] = {key: value or None for key, value in body.to_wire().items() if key != "slug"}
    if body.tags is not None:
        wanted["tags"] = " ".join(dict.fromkeys(body.tags)) or None
    if "name" in wanted:
        wanted["name"] = names.check(body.name)
    changed = {key: value for key, value in wanted.items() if tx.experiment[key] != value}
    if changed:
        lifecycle.save(tx, **changed)
        if "name" in changed:
            entry = registrations.c.experiment_id == tx.experiment_id
            tx.connection.execute(update(registrations).where(entry).values(name=changed["name"]))
        tx.tell("experiment.changed", keys=sorted(changed), by=tx.caller.worker_id)
    return reading.read_detail(tx, git_root=git_root)


def read_config(tx: Tx) -> ConfigVersion:
    """The config as it is now."""
    return _read(tx, _newest(tx))


def read_version(tx: Tx, number: str) -> ConfigVersion:
    """The config as it was in one of its versions."""
    newest = _newest(tx)
    if not (number.isascii() and number.isdigit() and len(number) < 8 and FIRST <= int(number) <= newest):
        raise NotFound(f"the config has no version {number[:60]}")
    return _read(tx, int(number))


def list_versions(tx: Tx, query: PageQuery) -> ConfigHistory:
    """The versions, the newest first."""
    newest, after = _newest(tx), query.after
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 8):
        raise BadRequest("after is not the next of an earlier page")
    below = min(int(after), newest + 1) if after is not None else newest + 1
    found = _kept(tx, below, query.limit)
    shown = found[: query.limit]
    is_cut = len(found) > query.limit
    return ConfigHistory(versions=tuple(shown), next=str(shown[-1].number) if is_cut else None)


def check(tx: Tx, body: CheckConfig) -> ConfigReport:
    """What would come of a config here."""
    return config_texts.examine(body.text, tx.experiment)[1]


def change_config(tx: Tx, body: ChangeConfig) -> ConfigVersion:
    """Have another config from now on; one that is there already stays, whatever it was written from."""
    newest = _newest(tx)
    if body.text == config_texts.written(tx.experiment):
        return _read(tx, newest)
    if tx.status.is_final:
        raise IllegalTransition("the experiment has ended, and its config stays as it was")
    if body.based_on != newest:
        raise InvalidPrecondition(f"the config was changed meanwhile: this one was not written from version {newest}")
    config, report = config_texts.examine(body.text, tx.experiment)
    if config is None:
        raise BadRequest("the config: " + "; ".join(_say(fault) for fault in report.faults[:6]))
    keys = [one.key for one in report.changes]
    if newest == FIRST:
        _keep(tx, FIRST, config_texts.written(tx.experiment), changed_at=tx.experiment["created_at"], keys=[])
    by = tx.caller.worker_id
    _keep(tx, newest + 1, body.text, changed_at=tx.now, changed_by=by, keys=keys)
    lifecycle.save(tx, config=dict(config), config_text=body.text)
    tx.tell("experiment.config_changed", version=newest + 1, keys=keys, by=by)
    return _read(tx, newest + 1)


def _say(fault: ConfigFault) -> str:
    return fault.message if fault.line is None else f"line {fault.line}: {fault.message}"


def _newest(tx: Tx) -> int:
    query = select(func.max(config_versions.c.number)).where(config_versions.c.experiment_id == tx.experiment_id)
    return tx.connection.scalar(query) or FIRST


def _keep(tx: Tx, number: int, text: str, **facts: Any) -> None:
    row = {"experiment_id": tx.experiment_id, "number": number, "text": text, **facts}
    tx.connection.execute(insert(config_versions).values(row))


def _read(tx: Tx, number: int) -> ConfigVersion:
    newest = _newest(tx)
    query = _VERSIONS.where(config_versions.c.experiment_id == tx.experiment_id, config_versions.c.number == number)
    row = tx.connection.execute(query).mappings().first()
    if row is None:
        return ConfigVersion(**_first(tx).model_dump(), text=config_texts.written(tx.experiment), is_newest=True)
    return ConfigVersion(**_line(row).model_dump(), text=row["text"], is_newest=number == newest)


def _kept(tx: Tx, below: int, limit: int) -> Sequence[ConfigLine]:
    """One version more than asked for, where there are so many; their texts are left where they are."""
    query = _VERSIONS.with_only_columns(
        *(config_versions.c[key] for key in ("number", "keys", "changed_at", "changed_by")),
        workers.c.name.label("changed_by_name"),
    )
    query = query.where(config_versions.c.experiment_id == tx.experiment_id, config_versions.c.number < below)
    rows = tx.connection.execute(query.order_by(config_versions.c.number.desc()).limit(limit + 1)).mappings().all()
    return [_line(row) for row in rows] or ([_first(tx)] if below > FIRST else [])


def _first(tx: Tx) -> ConfigLine:
    """The one version of a config that was never changed."""
    return ConfigLine(number=FIRST, changed_at=tx.experiment["created_at"])


def _line(row: RowMapping) -> ConfigLine:
    told = ("number", "changed_at", "changed_by", "changed_by_name")
    return ConfigLine(keys=tuple(row["keys"]), **{key: row[key] for key in told})
