"""Saving, changing and deleting one's own views; nobody sees those of others."""

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update

from control_plane.db.transaction import Tx
from control_plane.views.tables import saved_views
from store_client.errors import AlreadyExists, InvalidPrecondition, NotFound
from store_client.wire.calls.views import ViewQuery
from store_client.wire.views import MOST_VIEWS, ChangeView, SavedView, SavedViews, SaveView

_COLUMNS = (
    saved_views.c.view_id, saved_views.c.list, saved_views.c.name, saved_views.c.query, saved_views.c.is_default,
    saved_views.c.created_at,
)  # fmt: skip


def list_own(tx: Tx, query: ViewQuery) -> SavedViews:
    """The caller's views, of one list or of all, in the order in which they were saved."""
    wanted = select(*_COLUMNS).where(*_own(tx, query.list))
    rows = tx.connection.execute(wanted.order_by(saved_views.c.created_at, saved_views.c.view_id)).mappings()
    return SavedViews(views=tuple(SavedView(**row) for row in rows))


def save(tx: Tx, body: SaveView) -> SavedView:
    """Keep a view under a name that no other view of this list has."""
    names = set(tx.connection.scalars(select(saved_views.c.name).where(*_own(tx, body.list))))
    _must_be_new(body.name, names)
    if len(names) >= MOST_VIEWS:
        raise InvalidPrecondition(f"a list has at most {MOST_VIEWS} views; delete one first")
    if body.is_default:
        _have_no_default(tx, body.list)
    view_id = tx.mint("viw")
    row = {"view_id": view_id, "operator_id": tx.caller.worker_id, "created_at": tx.now}
    tx.connection.execute(insert(saved_views).values(**row, **body.model_dump()))
    return SavedView(**_find(tx, view_id))


def change(tx: Tx, view_id: str, body: ChangeView) -> SavedView:
    """Rename a view, give it another query, or make it what its list begins with."""
    view = _find(tx, view_id)
    changes = body.model_dump(exclude_none=True)
    if body.name is not None and body.name != view["name"]:
        _must_be_new(body.name, set(tx.connection.scalars(select(saved_views.c.name).where(*_own(tx, view["list"])))))
    if body.is_default:
        _have_no_default(tx, view["list"])
    if changes:
        tx.connection.execute(update(saved_views).where(*_this(tx, view_id)).values(**changes))
    return SavedView(**_find(tx, view_id))


def remove(tx: Tx, view_id: str) -> None:
    """Delete a view, if it is there."""
    tx.connection.execute(delete(saved_views).where(*_this(tx, view_id)))


def _own(tx: Tx, list_: str | None) -> tuple[ColumnElement[bool], ...]:
    mine = saved_views.c.operator_id == tx.caller.worker_id
    return (mine,) if list_ is None else (mine, saved_views.c.list == list_)


def _this(tx: Tx, view_id: str) -> tuple[ColumnElement[bool], ...]:
    return (*_own(tx, None), saved_views.c.view_id == view_id)


def _find(tx: Tx, view_id: str) -> RowMapping:
    row = tx.connection.execute(select(*_COLUMNS).where(*_this(tx, view_id))).mappings().first()
    if row is None:
        raise NotFound(f"you have no view {view_id[:60]}")
    return row


def _must_be_new(name: str, names: set[str]) -> None:
    if name in names:
        raise AlreadyExists(f"a view of this list is called {name} already")


def _have_no_default(tx: Tx, list_: str) -> None:
    tx.connection.execute(update(saved_views).where(*_own(tx, list_)).values(is_default=False))
