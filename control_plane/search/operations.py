"""Searching: by an id at once, else by words, the newest first, along the full-text index of the database."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import RowMapping, Select, bindparam, select, text

from control_plane.db.tables import experiments
from control_plane.db.transaction import Tx
from control_plane.search.ports import Wings
from control_plane.search.rules import words
from control_plane.search.tables import search_entries
from store_client.errors import BadRequest
from store_client.wire.calls.search import SearchQuery
from store_client.wire.search import Found, FoundKind, SearchPage

MOST_EXACT = 20
_NAMES = (experiments.c.slug.label("experiment_slug"), experiments.c.name.label("experiment_name"))
_ENTRIES = select(search_entries, *_NAMES).join(experiments, experiments.c.experiment_id == search_entries.c.scope)
_IN_SQLITE = text("SELECT rowid FROM search_words WHERE search_words MATCH :asked AND rowid < :before "
                  "ORDER BY rowid DESC LIMIT :most")  # fmt: skip
_IN_POSTGRESQL = text("array_to_tsvector(string_to_array(words, ' ')) @@ CAST(:asked AS tsquery)")
_FIRST = 2**62


@dataclass(frozen=True)
class Searches:
    """The call, and what it asks the other wings."""

    wings: Wings

    def search(self, tx: Tx, query: SearchQuery) -> SearchPage:
        """Whatever has this id, and a page of what has these words."""
        seen = self.wings.visible(tx)
        exact = self._exact(tx, query.q.strip(), seen) if query.after is None else ()
        before, is_prefix = _place(query.after)
        found = _matching(tx, query, seen, (before, is_prefix))
        if not found and query.after is None:
            is_prefix, found = True, _matching(tx, query, seen, (before, True))
        more = len(found) > query.limit
        found = found[: query.limit]
        known = {(one.kind, one.id, one.experiment_id) for one in exact}
        items = tuple(one for row in found if ((one := _found(row)).kind, one.id, one.experiment_id) not in known)
        following = f"{'p' if is_prefix else 'w'}{found[-1]['number']}" if more else None
        return SearchPage(exact=exact, items=items, next=following)

    def _exact(self, tx: Tx, id_: str, seen: Collection[str] | None) -> tuple[Found, ...]:
        entries = _ENTRIES.where(search_entries.c.subject_id == id_)
        if seen is not None:
            entries = entries.where(search_entries.c.scope.in_(seen))
        found = [_found(row) for row in tx.connection.execute(entries.limit(MOST_EXACT)).mappings()]
        visible = (one for one in self.wings.tasks(tx, id_) if seen is None or one.scope in seen)
        tasks = list(islice(visible, MOST_EXACT))
        names = {row.experiment_id: row for row in tx.connection.execute(_named([one.scope for one in tasks]))}
        found += [
            Found(
                kind="task", id=one.id, title=one.title, text=one.text, at=one.at, experiment_id=one.scope,
                experiment_slug=names[one.scope].slug, experiment_name=names[one.scope].name,
            )
            for one in tasks
        ]  # fmt: skip
        return tuple(found)


def _named(ids: Collection[str]) -> Select[tuple[str, str, str]]:
    query = select(experiments.c.experiment_id, experiments.c.slug, experiments.c.name)
    return query.where(experiments.c.experiment_id.in_(ids))


def _place(after: str | None) -> tuple[int, bool]:
    if after is None:
        return _FIRST, False
    if after[:1] not in {"p", "w"} or not (after[1:].isascii() and after[1:].isdigit()) or len(after) > 20:
        raise BadRequest("after is not a place that this server gave")
    return int(after[1:]), after[0] == "p"


def _matching(tx: Tx, query: SearchQuery, seen: Collection[str] | None, place: tuple[int, bool]) -> list[RowMapping]:
    """One more than a page of the entries that have all the words, and are where the caller may look."""
    asked = words.asked(query.q)
    scopes = _scopes(query, seen)
    if not asked or scopes == ():
        return []
    groups: list[tuple[str, ...]] = [(word,) for word in asked[:-1]]
    groups += [tuple(map(words.of_scope, scopes))] if scopes is not None else []
    groups += [(words.of_kind(query.kind),)] if query.kind else []
    before, is_prefix = place
    values = {"before": before}
    if tx.connection.dialect.name == "sqlite":
        told = words.for_sqlite(groups, asked[-1], is_prefix=is_prefix)
        numbers = list(tx.connection.scalars(_IN_SQLITE, {"asked": told, "most": query.limit + 1, **values}))
        wanted = _ENTRIES.where(search_entries.c.number.in_(numbers))
        return list(tx.connection.execute(wanted.order_by(search_entries.c.number.desc())).mappings())
    told = words.for_postgresql(groups, asked[-1], is_prefix=is_prefix)
    wanted = _ENTRIES.where(_IN_POSTGRESQL, search_entries.c.number < bindparam("before"))
    wanted = wanted.order_by(search_entries.c.number.desc()).limit(query.limit + 1)
    return list(tx.connection.execute(wanted, {"asked": told, **values}).mappings())


def _scopes(query: SearchQuery, seen: Collection[str] | None) -> tuple[str, ...] | None:
    """The experiments to look in; None for all of them."""
    if query.of_experiment is None:
        return None if seen is None else tuple(seen)
    return (query.of_experiment,) if seen is None or query.of_experiment in seen else ()


def _found(row: RowMapping) -> Found:
    kind: FoundKind = row["kind"]
    return Found(
        kind=kind,
        id=row["subject_id"],
        experiment_id=row["scope"],
        experiment_slug=row["experiment_slug"],
        experiment_name=row["experiment_name"],
        title=row["title"],
        text=row["text"],
        at=row["at"],
    )
