"""A question put to the driver directly answers what its statement answers, and fails as it fails."""

from typing import Any

import pytest
from sqlalchemy import bindparam, event, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from control_plane.db.question import Question
from control_plane.db.tables import credentials, experiments
from control_plane.task_store import rows
from control_plane.task_store.tables import ideas, variants
from tests.store.task_house import TaskHouse

FIND = {
    "an experiment": (experiments, experiments.c.experiment_id),
    "an idea": (ideas, ideas.c.idea_id),
    "a variant": (variants, variants.c.variant_id),
    "a credential": (credentials, credentials.c.worker_id),
}


@pytest.fixture
def ids(store: TaskHouse) -> dict[str, str]:
    idea_id = store.idea(priority=0.5, intended_executor={"kind": "worker", "id": store.id_of("bob")})
    variant_id = store.variant(idea_id)
    return {
        "an experiment": store.experiment_id, "an idea": idea_id, "a variant": variant_id,
        "a credential": store.id_of("ann"),
    }  # fmt: skip


@pytest.mark.parametrize("thing", FIND)
def test_an_answer_is_the_row_of_the_statement(store: TaskHouse, ids: dict[str, str], thing: str) -> None:
    table, column = FIND[thing]
    statement = select(table).where(column == bindparam("id"))

    def both(tx: Any) -> tuple[Any, Any]:
        usual = tx.connection.execute(statement, {"id": ids[thing]}).mappings().first()
        return tx.first(Question(statement), id=ids[thing]), dict(usual)

    answer, usual = store.see(both)
    assert answer == usual
    assert {name: type(value) for name, value in answer.items()} == {name: type(usual[name]) for name in usual}
    assert store.see(lambda tx: tx.first(Question(statement), id="nothing")) is None


def test_a_question_brings_along_what_it_compares_with_itself(store: TaskHouse) -> None:
    store.idea(priority=0.25)
    chosen = select(ideas.c.idea_id, (ideas.c.priority * 4).label("times")).where(ideas.c.priority < 0.5)
    question = Question(chosen.where(ideas.c.experiment_id == bindparam("of")))

    def ask(tx: Any) -> tuple[Any, Any]:
        driver = tx.batch.bare.connection.driver_connection
        form = question._forms[tx.batch.bare.dialect.name]
        put = driver.execute(form.text, form.of({"of": store.experiment_id})).fetchall()
        return question.all(tx.batch.bare, {"of": store.experiment_id}), put

    answer, put = store.see(ask)
    assert [row["times"] for row in answer] == [1.0]
    assert len(put) == 1, "the driver takes it as it is"


def test_a_listener_hears_of_questions_too(store: TaskHouse) -> None:
    heard: list[str] = []
    engine = store.house.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    store.see(lambda tx: rows.find(tx, ideas, "idea-1"))
    event.remove(engine, "before_cursor_execute", note)
    assert any("FROM ideas" in statement for statement in heard)


def test_a_question_that_the_database_refuses_fails_as_a_statement_does(store: TaskHouse) -> None:
    wrong = Question(select(func.no_such_function(bindparam("id")).label("value")))
    with pytest.raises(SQLAlchemyError, match=r"no_such_function|aborted"):
        store.see(lambda tx: tx.first(wrong, id="x"))
    assert store.see(lambda tx: tx.connection.scalar(text("SELECT 1"))) == 1
