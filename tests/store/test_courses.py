"""Courses: as bounded for many variants as for few, with their extremes, and the same however they came to be."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from control_plane.db.tables import scores
from control_plane.task_store.operations import course, courses, scoring, variants
from control_plane.task_store.score_tables import course_widths, measurements, records
from control_plane.task_store.score_tables import courses as course_table
from store_client.wire import stretches
from store_client.wire.calls.variants import CourseQuery
from store_client.wire.courses import Course
from store_client.wire.stretches import MOST, Mark, Stretch
from tests.store.task_house import TaskHouse

VALUES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))


def told(values: list[float | None]) -> list[Mark]:
    return [Mark(number, f"v{number}", f"idea-{number}", value) for number, value in enumerate(values, 1)]


def grown(marks: list[Mark]) -> tuple[int, dict[int, Stretch]]:
    """A course as it is kept while variants end in this order."""
    width, kept = 1, dict[int, Stretch]()
    for mark in marks:
        needed = stretches.width_for(mark.number)
        if needed > width:
            width, kept = needed, stretches.widened(kept, needed // width)
        at = stretches.place(mark.number, width)
        kept[at] = stretches.merged(kept.get(at, Stretch()), Stretch.of(mark))
    return width, kept


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=900), st.randoms(use_true_random=False))
def test_a_course_keeps_extremes_is_bounded_and_does_not_depend_on_the_order(
    values: list[float | None], by_chance: random.Random
) -> None:
    marks = told(values)
    mixed = by_chance.sample(marks, len(marks))
    width, kept = grown(mixed)
    assert max(kept) < MOST
    assert kept == stretches.course_of(marks, width)
    drawn = [mark for at in sorted(kept) for mark in kept[at].marks]
    assert [mark.number for mark in drawn] == sorted({mark.number for mark in drawn})
    scored = [mark.value for mark in marks if mark.value is not None]
    if scored:
        values_drawn = [mark.value for mark in drawn if mark.value is not None]
        assert (min(values_drawn), max(values_drawn)) == (min(scored), max(scored))
    if None in values:
        assert any(mark.value is None for mark in drawn)
    if len(values) <= MOST:  # one stretch each
        assert len(drawn) == len(values)


@given(st.integers(1, 10**9))
def test_stretches_are_as_narrow_as_the_bound_allows(number: int) -> None:
    width = stretches.width_for(number)
    assert stretches.place(number, width) < MOST
    assert width == 1 or stretches.place(number, width // 2) >= MOST


@pytest.mark.parametrize("value", [True, None, "1", float("nan"), float("inf"), 10**400, [1]])
def test_only_finite_numbers_are_drawn(value: Any) -> None:
    assert stretches.number_in(value) is None


def worked(store: TaskHouse) -> None:
    """A baseline, scores that rise and fall, a failure, and one that could not be evaluated."""
    baseline = store.act("orchestrators", variants.create, store.baseline_body())
    store.evaluated(baseline.variant_id, accuracy=0.25, steps=7)
    for number, value in enumerate((0.5, 0.125, 0.75, 0.75), 1):
        store.evaluated(store.executed(number, slug=f"idea-{number}"), accuracy=value, steps=number, note="a note")
    task_id, _, variant_id = store.executing(slug="failing")
    store.submit(task_id, variant_id=variant_id, status="error")
    store.reject(task_id)
    store.act("bob", variants.declare_evaluation_error, store.executed(9, slug="unmeasured"))


def see(store: TaskHouse, metric: str | None = None) -> Course:
    found: Course = store.see(course.read, CourseQuery(metric=metric))
    return found


def test_a_course_has_every_variant_that_ended_but_the_baseline(store: TaskHouse) -> None:
    assert see(store) == Course()
    worked(store)
    found = see(store)
    assert [(point.number, point.label, point.value, point.status) for point in found.points] == [
        (2, "idea-1", 0.5, "success"), (3, "idea-2", 0.125, "success"), (4, "idea-3", 0.75, "success"),
        (5, "idea-4", 0.75, "success"), (6, "failing", None, "error"), (7, "unmeasured", None, "evaluation_error"),
    ]  # fmt: skip
    assert (found.baseline, found.last, found.width, found.metrics) == (0.25, 7, 1, ("accuracy", "steps"))
    assert [(each.label, each.before, each.value) for each in found.improvements] == [
        ("idea-3", 0.5, 0.75), ("idea-1", 0.25, 0.5), ("baseline", None, 0.25),
    ]  # fmt: skip


def test_a_metric_has_a_course_of_its_own_with_the_failures_of_all(store: TaskHouse) -> None:
    worked(store)
    found = see(store, "steps")
    assert [point.value for point in found.points] == [1, 2, 3, 4, None, None]
    assert (found.metric, found.baseline) == ("steps", 7)
    assert [point.value for point in see(store, "note").points] == [None, None]


def everything(store: TaskHouse) -> dict[str, list[tuple[Any, ...]]]:
    tables = (measurements, course_table, course_widths, records, scores)
    found = {}
    for table in tables:
        query = select(table).order_by(*table.primary_key.columns)
        found[table.name] = store.see(lambda tx, query=query: [tuple(row) for row in tx.connection.execute(query)])
    return found


def test_what_is_read_from_the_variants_of_an_import_is_what_was_kept_as_they_ended(store: TaskHouse) -> None:
    worked(store)
    kept = everything(store)
    assert all(kept.values())

    def again(tx: Any) -> None:
        for table in (measurements, course_table, course_widths, records):
            tx.connection.execute(delete(table))
        scoring.write(tx)

    store.act("admins", again)
    assert everything(store) == kept


def test_a_course_grows_wider_when_it_has_too_many_stretches(sqlite_store: TaskHouse) -> None:
    def put(tx: Any, number: int, value: float) -> None:
        row = {"number": number, "variant_id": f"v{number}", "kind": None, "idea_id": idea, "status": "success"}
        courses.end(tx, {**row, "evaluation": {"accuracy": value}, "objective_value": value})

    idea = sqlite_store.idea(slug="one")
    for number in (1, 2, 3, 4, 600, 601, 1, 900):
        if number != 1 or sqlite_store.see(lambda tx: tx.connection.scalar(select(course_widths.c.width))) is None:
            sqlite_store.act("admins", put, number, float(number))
    found = see(sqlite_store, "accuracy")
    assert found.width == 8
    assert [(point.number, point.value) for point in found.points] == [
        (1, 1), (4, 4), (600, 600), (601, 601), (900, 900),
    ]  # fmt: skip
