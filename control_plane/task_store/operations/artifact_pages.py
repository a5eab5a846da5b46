"""All artifacts of an experiment, the newest first, each with what cites it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, RowMapping, func, select, tuple_

from control_plane.db.transaction import Tx
from control_plane.task_store.operations import listing
from control_plane.task_store.operations.artifacts import SCHEME
from control_plane.task_store.tables import artifacts, ideas, submissions, variants
from store_client.errors import BadRequest
from store_client.wire.artifacts import ArtifactInfo, ArtifactLine, ArtifactPage, Citation
from store_client.wire.call import PageQuery

PLACE = re.compile(r"([0-9TZ:.-]{20,40})~([0-9a-f]{32})")
CITATIONS = (
    ("variant", variants.c.variant_id, variants.c.artifacts_uri),
    ("variant", variants.c.variant_id, variants.c.executor_artifacts_uri),
    ("idea", ideas.c.idea_id, ideas.c.artifacts_uri),
    ("task", submissions.c.task_id, submissions.c.artifacts_uri),
)
"""What cites artifacts, and which of it is told where several do."""
COLUMNS = tuple(artifacts.c[name] for name in ("artifact_id", *ArtifactInfo.model_fields) if name in artifacts.c)


def page(tx: Tx, query: PageQuery) -> ArtifactPage:
    """The next of them."""
    key = artifacts.c.created_at, artifacts.c.artifact_id
    wanted = select(*COLUMNS).where(artifacts.c.experiment_id == tx.experiment_id)
    if query.after is not None:
        wanted = wanted.where(tuple_(*key) < tuple_(*_place(query.after)))
    ordered = wanted.order_by(*(column.desc() for column in key)).limit(query.limit + 1)
    found = listing.rows_of(tx, ordered)
    last = listing.last_of(found, query.limit)
    shown = found[: query.limit]
    cited = _cited(tx, [SCHEME + row["artifact_id"] for row in shown])
    return ArtifactPage(
        items=tuple(_line(row, cited) for row in shown), next=last and f"{last['created_at']}~{last['artifact_id']}"
    )


def _place(after: str) -> tuple[str, str]:
    found = PLACE.fullmatch(after)
    if found is None:
        raise BadRequest("after is not the next of an earlier page")
    return found[1], found[2]


def _line(row: RowMapping, cited: Mapping[str, Citation]) -> ArtifactLine:
    told = dict(row)
    uri = SCHEME + told.pop("artifact_id")
    return ArtifactLine(artifacts_uri=uri, cited_by=cited.get(uri), **told)


def _cited(tx: Tx, uris: Sequence[str]) -> dict[str, Citation]:
    """What cites each of these, as far as anything does."""
    found: dict[str, Citation] = {}
    for kind, id_, uri in CITATIONS:
        missing = [one for one in uris if one not in found]
        told = _citing(tx, id_, uri, missing) if missing else {}
        found |= {one: Citation(kind=kind, id=told[one]) for one in missing if one in told}
    return found


def _citing(tx: Tx, id_: Column[str], uri: Column[Any], wanted: Sequence[str]) -> dict[str, str]:
    statement = (
        select(uri, func.min(id_)).where(uri.table.c.experiment_id == tx.experiment_id, uri.in_(wanted)).group_by(uri)
    )
    return {str(row[0]): str(row[1]) for row in tx.connection.execute(statement)}
