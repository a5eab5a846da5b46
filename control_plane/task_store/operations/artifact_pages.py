"""All artifacts of an experiment, the newest first, each with what cites it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, RowMapping, func, select, tuple_

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import details, listing, names
from control_plane.task_store.operations.artifacts import SCHEME, view
from control_plane.task_store.tables import artifacts, ideas, submissions, tasks, variants
from store_client.errors import BadRequest
from store_client.wire.artifacts import ArtifactInfo, ArtifactLine, ArtifactPage, Citation
from store_client.wire.call import PageQuery
from store_client.wire.calls.artifacts import InfoQuery

PLACE = re.compile(r"([0-9TZ:.-]{20,40})~([0-9a-f]{32})")
CITATIONS = (
    ("variant", variants.c.variant_id, variants.c.artifacts_uri),
    ("variant", variants.c.variant_id, variants.c.executor_artifacts_uri),
    ("idea", ideas.c.idea_id, ideas.c.artifacts_uri),
    ("task", submissions.c.task_id, submissions.c.artifacts_uri),
)
"""What cites artifacts, and which of it is told where several do."""
Row = Mapping[Any, Any]
COLUMNS = tuple(artifacts.c[name] for name in ("artifact_id", *ArtifactInfo.model_fields) if name in artifacts.c)


@dataclass(frozen=True)
class _Told:
    """What cites files, by their addresses, and what those who left them are called, by their ids."""

    cited: Mapping[str, Citation]
    called: Mapping[str, str | None]


def page(tx: Tx, query: PageQuery) -> ArtifactPage:
    """The next of them."""
    key = artifacts.c.created_at, artifacts.c.artifact_id
    wanted = select(*COLUMNS).where(artifacts.c.experiment_id == tx.experiment_id)
    if query.after is not None:
        wanted = wanted.where(tuple_(*key) < tuple_(*_place(query.after)))
    ordered = wanted.order_by(*(column.desc() for column in key)).limit(query.limit + 1)
    found = listing.rows_of(tx, ordered)
    last = listing.last_of(found, query.limit)
    following = last and f"{last['created_at']}~{last['artifact_id']}"
    return ArtifactPage(items=_lines(tx, found[: query.limit]), next=following)


def info(tx: Tx, query: InfoQuery) -> ArtifactLine:
    """What one is, and if asked for what it belongs to, for whoever may view it."""
    row = view(tx, query)
    facts = {column.name: row[column.name] for column in COLUMNS}
    return _lines(tx, [facts])[0] if query.with_owner else _line(facts, _Told({}, {}))


def _lines(tx: Tx, rows: Sequence[Row]) -> tuple[ArtifactLine, ...]:
    told = _Told(
        _titled(tx, _cited(tx, [SCHEME + row["artifact_id"] for row in rows])),
        names.of_members(tx, (row["created_by"] for row in rows)),
    )
    return tuple(_line(row, told) for row in rows)


def _place(after: str) -> tuple[str, str]:
    found = PLACE.fullmatch(after)
    if found is None:
        raise BadRequest("after is not the next of an earlier page")
    return found[1], found[2]


def _line(row: Row, told: _Told) -> ArtifactLine:
    facts = dict(row)
    uri, by_name = SCHEME + facts.pop("artifact_id"), told.called.get(row["created_by"])
    return ArtifactLine(artifacts_uri=uri, cited_by=told.cited.get(uri), by_name=by_name, **facts)


def _cited(tx: Tx, uris: Sequence[str]) -> dict[str, Citation]:
    """What cites each of these, as far as anything does."""
    found: dict[str, Citation] = {}
    for kind, id_, uri in CITATIONS:
        missing = [one for one in uris if one not in found]
        told = _citing(tx, id_, uri, missing) if missing else {}
        found |= {one: Citation(kind=kind, id=told[one]) for one in missing if one in told}
    return found


def _titled(tx: Tx, cited: Mapping[str, Citation]) -> dict[str, Citation]:
    """The same with what each is called."""
    ids = {kind: [one.id for one in cited.values() if one.kind == kind] for kind in ("variant", "idea", "task")}
    found = _tasks(tx, ids["task"])
    subjects, made = details.Subjects(tx, found), names.variants_by_id(tx, ids["variant"])
    known = names.ideas_by_id(tx, (*ids["idea"], *(row["idea_id"] for row in made.values())))
    facts = {("idea", idea_id): {"title": row["slug"]} for idea_id, row in known.items()}
    facts |= {("variant", variant_id): {"title": names.label(row, known)} for variant_id, row in made.items()}
    facts |= {("task", row["task_id"]): {"title": subjects.title(row), "task_kind": row["kind"]} for row in found}
    return {uri: one.having(**facts.get((one.kind, one.id), {})) for uri, one in cited.items()}


def _tasks(tx: Tx, task_ids: Sequence[str]) -> Sequence[RowMapping]:
    wanted = select(tasks).where(tasks.c.experiment_id == tx.experiment_id, tasks.c.task_id.in_(task_ids))
    return listing.rows_of(tx, wanted) if task_ids else ()


def _citing(tx: Tx, id_: Column[str], uri: Column[Any], wanted: Sequence[str]) -> dict[str, str]:
    statement = (
        select(uri, func.min(id_)).where(uri.table.c.experiment_id == tx.experiment_id, uri.in_(wanted)).group_by(uri)
    )
    return {str(row[0]): str(row[1]) for row in tx.connection.execute(statement)}
