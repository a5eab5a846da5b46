"""The indexer: follows the log and keeps what can be found by its words, a moment behind everything else.

No write waits for it. It begins at the beginning of the log, so that what was there before it came is found too.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, select, update

from control_plane.db import log
from control_plane.db.transaction import Tx
from control_plane.db.upsert import inserts
from control_plane.edge.house import House
from control_plane.edge.rounds import Rounds
from control_plane.search.ports import Described, Wings
from control_plane.search.rules import subjects
from control_plane.search.rules.words import of_kind, of_scope, words
from control_plane.search.tables import search_entries, search_places

BATCH = 500
PAUSE_SECONDS = 1.0
TEXT_LENGTH = 240
SHOWN = 6
"""So many letters of an id are shown where there is little room."""
NAME = "log"


class Indexer(Rounds):
    """Looks once a second at what is new, and writes only when some of it can be found."""

    full = BATCH

    def __init__(self, house: House, wings: Wings, pause_seconds: float = PAUSE_SECONDS) -> None:
        super().__init__("indexer", pause_seconds)
        self._house, self._wings = house, wings

    def round(self) -> int:
        """Look at the next events; how many there were."""
        place, told, entries = self._house.read_now(self._look)
        if told:
            position = told[-1]["position"]
            self._house.writer.write(lambda tx: _keep(tx, entries, (place, position)))
        return len(told)

    def _look(self, tx: Tx) -> tuple[int | None, Sequence[RowMapping], list[dict[str, Any]]]:
        place = tx.connection.scalar(select(search_places.c.position).where(search_places.c.name == NAME))
        told = log.read_after(tx.connection, place or 0, BATCH, None)
        events = ((each["experiment_id"], each["type"], each["data"]) for each in told)
        found: list[dict[str, Any]] = []
        for (scope, kind), ids in subjects.of(events).items():
            described = self._wings.describe(tx.at(scope), kind, ids)
            found += [_row(kind, scope, one) for one in described]
        return place, told, found


def _row(kind: str, scope: str, one: Described) -> dict[str, Any]:
    text, title = (" ".join(each.replace("\x00", " ").split()) for each in (one.text, one.title))
    return {
        "kind": kind,
        "scope": scope,
        "subject_id": one.id,
        "title": title,
        "text": text[:TEXT_LENGTH],
        "words": " ".join((of_scope(scope), of_kind(kind), *words(title, one.id, one.id[-SHOWN:], one.also, text))),
        "at": one.at,
    }


def _upsert(insert: Any) -> Any:
    told = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["kind", "scope", "subject_id"],
        set_={"title": told.title, "text": told.text, "words": told.words},
        where=(search_entries.c.words != told.words)
        | (search_entries.c.title != told.title)
        | (search_entries.c.text != told.text),
    )


_UPSERTS = {dialect: _upsert(each) for dialect, each in inserts(search_entries).items()}

_FIRST = {dialect: each.on_conflict_do_nothing() for dialect, each in inserts(search_places).items()}


def _keep(tx: Tx, entries: list[dict[str, Any]], moved: tuple[int | None, int]) -> None:
    """Write the entries and where the log was left, unless another process has gone on from there meanwhile."""
    before, after = moved
    if before is None:
        made = tx.connection.execute(_FIRST[tx.connection.dialect.name], {"name": NAME, "position": after})
    else:
        place = update(search_places).where(search_places.c.name == NAME, search_places.c.position == before)
        made = tx.connection.execute(place.values(position=after))
    if made.rowcount and entries:
        tx.run_all(_UPSERTS[tx.connection.dialect.name], entries)
