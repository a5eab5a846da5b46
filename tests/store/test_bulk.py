"""Acts on many tasks: exactly those that were previewed, each once, and taken back where that can be."""

import pytest
from sqlalchemy import select, update

from control_plane.task_store.bulk_acting import AT_ONCE, BulkActing
from control_plane.task_store.bulk_tables import bulk_acts, bulk_items
from control_plane.task_store.operations import bulk, bulk_choice, bulk_records, tasks
from store_client.errors import InvalidPrecondition, NotFound
from store_client.wire.bulk import BeginBulkAct, BulkAct, ChooseTasks, TaskChoice
from store_client.wire.call import PageQuery
from store_client.wire.calls.bulk import BulkItemQuery
from store_client.wire.tasks import ClosedTarget, ReassignTask, ReclaimTask
from tests.store.plans import plans
from tests.store.task_house import TaskHouse

CLAIMED = TaskChoice(kind="ideation", state="claimed")
IDEATION = TaskChoice(kind="ideation")


def begun(store: TaskHouse, act: str, chosen: TaskChoice, **more: object) -> BulkAct:
    """An act on what its preview counts."""
    seen = store.act("admins", bulk.preview, ChooseTasks.model_validate({"act": act, "filter": chosen}))
    body = {"act": act, "filter": chosen, "expected_count": seen.matched, "up_to": seen.up_to, **more}
    made: BulkAct = store.act("admins", bulk.begin, BeginBulkAct.model_validate(body))
    return made


def carried_out(store: TaskHouse, act: BulkAct) -> BulkAct:
    acting = BulkActing(store.house)
    while acting.round():
        pass
    read: BulkAct = store.see(bulk_records.read, act.act_id)
    return read


def outcomes(store: TaskHouse, act: BulkAct) -> dict[str, tuple[str, str | None]]:
    page = store.see(bulk_records.items, act.act_id, BulkItemQuery(limit=500))
    return {one.task_id: (one.outcome, one.detail) for one in page.items}


def target_of(store: TaskHouse, task_id: str) -> str | None:
    target = store.see(tasks.read, task_id).target
    return target.id if target else None


def test_tasks_are_chosen_by_age_by_who_handed_them_in_and_by_words(
    store: TaskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(second: int, slug: str) -> str:
        body = store.task_body("execution", store.idea(slug=slug), created_at=f"2026-01-01T00:00:{second}Z")
        return str(store.act("orchestrators", tasks.create, body).task_id)

    first, second, third, fourth = (made(10 + at, f"{'warm' if at % 2 else 'cold'}-{at}") for at in range(4))
    ideations = [store.task() for _ in range(2)]
    for task_id, name in zip(ideations, ("bob", "eve"), strict=True):
        store.claim(task_id, name)
        store.submit(task_id, name, idea_ids=[], status="success")

    def chosen(act: str, **given: object) -> set[str]:
        body = ChooseTasks.model_validate({"act": act, "filter": given})
        seen = store.act("admins", bulk.preview, body)
        assert (seen.matched, seen.is_more) == (len(seen.sample), False)
        return {one.task_id for one in seen.sample}

    assert chosen("reassign", q="Warm") == {second, fourth}
    assert chosen("reassign", q="warm", since="2026-01-01T00:00:12Z") == {fourth}
    assert chosen("reassign", kind="execution", until="2026-01-01T00:00:11Z") == {first, second}
    assert chosen("take_back", submitted_by=store.id_of("bob")) == {ideations[0]}
    assert chosen("reassign", submitted_by=store.id_of("bob")) == set()
    assert chosen("reassign", claimed_by=store.id_of("bob")) == set()
    act = begun(store, "take_back", TaskChoice(submitted_by=store.id_of("eve")))
    store.act("admins", tasks.reclaim, ideations[1], ReclaimTask(cause="operator"))
    store.claim(ideations[1], "bob")
    store.submit(ideations[1], "bob", idea_ids=[], status="success")
    assert outcomes(store, carried_out(store, act))[ideations[1]] == ("refused", "somebody else handed it in by now")
    monkeypatch.setattr(bulk_choice, "LOOKED_AT", 3)
    seen = store.act("admins", bulk.preview, ChooseTasks(act="reassign", filter=TaskChoice(q="warm")))
    assert seen.is_more, "what was not looked at may be called so, too"
    with pytest.raises(InvalidPrecondition, match="name another condition"):
        begun(store, "reassign", TaskChoice(q="warm"), reason="x")
    assert third in chosen("reassign", kind="execution")


def test_claims_are_taken_back_from_exactly_whom_was_meant(store: TaskHouse) -> None:
    first, second, waiting = (store.task() for _ in range(3))
    for task_id in (first, second):
        store.claim(task_id)
    act = begun(store, "take_back", CLAIMED)
    assert (act.total, act.done, act.ended_at) == (2, 0, None)
    store.submit(second, idea_ids=[], status="success")
    ended = carried_out(store, act)
    assert (ended.done, ended.refused, ended.ended_at is None) == (1, 1, False)
    assert outcomes(store, act) == {first: ("done", None), second: ("refused", "it is submitted by now")}
    assert [store.see(tasks.read, one).state for one in (first, second, waiting)] == ["pending", "submitted", "pending"]
    with pytest.raises(InvalidPrecondition, match="is over"):
        store.act("admins", bulk.undo, act.act_id)


def test_reassigned_tasks_go_back_to_whom_they_were_for_unless_they_moved_on(store: TaskHouse) -> None:
    ids = [store.task() for _ in range(4)]
    before = ClosedTarget(kind="worker", id=store.id_of("eve"))
    store.act("admins", tasks.reassign, ids[0], ReassignTask(new_target=before, reason="she asked"))
    to_bob = {"kind": "worker", "id": store.id_of("bob")}
    act = carried_out(store, begun(store, "reassign", IDEATION, new_target=to_bob, reason="he is free"))
    assert (act.done, act.refused, act.target_name) == (4, 0, "bob")
    assert {target_of(store, one) for one in ids} == {store.id_of("bob")}
    store.claim(ids[1], name="bob")
    undone = store.act("admins", bulk.undo, act.act_id)
    with pytest.raises(InvalidPrecondition, match="already"):
        store.act("admins", bulk.undo, act.act_id)
    ended = carried_out(store, undone)
    assert (ended.done, ended.refused, ended.undoes) == (3, 1, act.act_id)
    assert [target_of(store, one) for one in ids] == [store.id_of("eve"), store.id_of("bob"), None, None]
    assert store.see(bulk_records.read, act.act_id).undone_by == ended.act_id
    newest = store.see(bulk_records.page, PageQuery(limit=1))
    assert ([one.act_id for one in newest.items], newest.next) == ([ended.act_id], ended.act_id)


def test_what_is_not_what_was_seen_is_refused(store: TaskHouse) -> None:
    store.task()
    seen = store.act("admins", bulk.preview, ChooseTasks(act="reassign", filter=IDEATION))
    assert (seen.matched, len(seen.sample)) == (1, 1)
    later = store.task()
    body = {"act": "reassign", "filter": IDEATION, "reason": "x", "expected_count": 1, "up_to": seen.up_to}
    act = carried_out(store, store.act("admins", bulk.begin, BeginBulkAct.model_validate(body)))
    assert later not in outcomes(store, act)
    with pytest.raises(InvalidPrecondition, match="concern 1 by now, not 2"):
        store.act("admins", bulk.begin, BeginBulkAct.model_validate(body | {"expected_count": 2}))
    nobody = {"kind": "worker", "id": "wkr_" + "9" * 26}
    with pytest.raises(NotFound, match="nobody here"):
        store.act("admins", bulk.begin, BeginBulkAct.model_validate(body | {"new_target": nobody}))
    with pytest.raises(NotFound):
        store.see(bulk_records.items, "bulk_nowhere", BulkItemQuery())


def test_an_act_goes_on_where_a_crash_left_it_and_comes_to_no_task_twice(store: TaskHouse) -> None:
    ids = [store.task() for _ in range(AT_ONCE + 2)]
    act = begun(store, "reassign", IDEATION, reason="again")
    acting = BulkActing(store.house)
    assert acting.round() == AT_ONCE
    back = update(bulk_acts).values(reached=10)
    store.act("admins", lambda tx: tx.connection.execute(back).close())
    ended = carried_out(store, act)
    assert (ended.done, ended.refused) == (len(ids), 0)
    told = [data["task_id"] for type_, data in store.told() if type_ == "task.reassigned"]
    assert sorted(told) == sorted(ids)


def test_the_next_tasks_are_found_along_indexes(store: TaskHouse) -> None:
    store.task()
    begun(store, "reassign", IDEATION, reason="again")
    under_way = select(bulk_acts).where(bulk_acts.c.ended_at.is_(None))
    left = select(bulk_items).where(bulk_items.c.act_id == "x", bulk_items.c.place > 3).order_by(bulk_items.c.place)
    found = plans(store.house.database, lambda connection: [connection.execute(one).all() for one in (under_way, left)])
    assert all("SCAN bulk_items" not in one for one in found)
