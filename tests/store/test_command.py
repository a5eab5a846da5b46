"""A change put to the driver directly does what its statement does, and fails as it fails."""

from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from control_plane.db.command import Command
from control_plane.db.question import Question
from control_plane.db.tables import groups
from control_plane.db.transaction import Tx
from control_plane.task_store.tables import ideas
from tests.store.task_house import TaskHouse

ADD = Command(insert(groups), "group_id", "scope", "name", "created_at")
RENAME = update(groups).where(groups.c.group_id == bindparam("group")).values(name=bindparam("new_name"))
NAMES = select(groups.c.name).where(groups.c.name.like("hot-%")).order_by(groups.c.name)


def group(number: int) -> dict[str, Any]:
    return {"group_id": f"grp-{number}", "scope": "", "name": f"hot-{number}", "created_at": "now"}


def test_rows_are_added_changed_and_counted(store: TaskHouse) -> None:
    def act(tx: Any) -> tuple[int, int]:
        ADD.run(tx.batch.bare, group(1))
        ADD.run_all(tx.batch.bare, [group(2), group(3)])
        here = Command(RENAME)
        values = {"group": "grp-1", "new_name": "hot-9"}
        return here.run(tx.batch.bare, values), here.run(tx.batch.bare, {**values, "group": "nobody"})

    assert store.house.writer.write(act) == (1, 0)
    assert store.see(lambda tx: list(tx.connection.scalars(NAMES))) == ["hot-2", "hot-3", "hot-9"]


def test_a_change_that_answers_gives_the_row_as_it_is_then(store: TaskHouse) -> None:
    idea_id = store.idea()
    change = update(ideas).where(ideas.c.idea_id == bindparam("of")).values(intended_executor=bindparam("whom"))
    kept = {"kind": "worker", "id": "somebody"}
    store.house.writer.write(lambda tx: Command(change).run(tx.batch.bare, {"of": idea_id, "whom": kept}))
    rename = update(ideas).where(ideas.c.idea_id == bindparam("of")).values(slug=bindparam("whom"))
    asked = Question(rename.returning(ideas.c.idea_id, ideas.c.slug))
    assert store.see(lambda tx: tx.connection.scalar(select(ideas.c.intended_executor))) == kept
    row = store.house.writer.write(lambda tx: asked.first(tx.batch.bare, {"of": idea_id, "whom": "new"}))
    assert dict(row or {}) == {"idea_id": idea_id, "slug": "new"}


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_key_that_is_taken_is_an_error_that_everybody_knows(store: TaskHouse, is_heard: bool) -> None:
    heard: list[str] = []
    engine = store.house.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    if is_heard:
        event.listen(engine, "before_cursor_execute", note)
    for add_twice in (_add_twice, _add_both):
        with pytest.raises(IntegrityError):
            store.house.writer.write(add_twice)
    if is_heard:
        event.remove(engine, "before_cursor_execute", note)
    assert any("INTO groups" in statement for statement in heard) == is_heard
    assert store.see(lambda tx: list(tx.connection.scalars(NAMES))) == [], "what was refused is taken back whole"


def _add_twice(tx: Tx) -> None:
    for _ in range(2):
        ADD.run(tx.batch.bare, group(1))


def _add_both(tx: Tx) -> None:
    ADD.run_all(tx.batch.bare, [group(1), group(1)])
