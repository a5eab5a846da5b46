"""Calls about acts on many tasks at once."""

from store_client.wire.bulk import (
    BeginBulkAct,
    BulkAct,
    BulkActPage,
    BulkItemPage,
    BulkOutcome,
    BulkPreview,
    ChooseTasks,
)
from store_client.wire.call import Call, PageQuery, Who

ACTS = "/api/experiments/{experiment_id}/bulk-acts"
ONE = ACTS + "/{act_id}"


class BulkItemQuery(PageQuery):
    outcome: BulkOutcome | None = None


PREVIEW_BULK_ACT = Call(
    "preview_bulk_act", "POST", ACTS + "/preview", Who.ADMIN_OR_ADMINS,
    "Count the tasks that an act would concern, and see the first", body=ChooseTasks, answer=BulkPreview,
    is_safe_to_repeat=True,
)  # fmt: skip
BEGIN_BULK_ACT = Call(
    "begin_bulk_act", "POST", ACTS, Who.ADMIN_OR_ADMINS, "Begin an act on every task that a filter chooses",
    body=BeginBulkAct, answer=BulkAct, status=202,
)  # fmt: skip
LIST_BULK_ACTS = Call(
    "list_bulk_acts", "GET", ACTS, Who.EITHER, "Page through the acts on many tasks, the newest first",
    query=PageQuery, answer=BulkActPage,
)  # fmt: skip
READ_BULK_ACT = Call("read_bulk_act", "GET", ONE, Who.EITHER, "Read how far an act has come", answer=BulkAct)
LIST_BULK_ITEMS = Call(
    "list_bulk_items", "GET", ONE + "/items", Who.EITHER, "Page through what became of each task of an act",
    query=BulkItemQuery, answer=BulkItemPage,
)  # fmt: skip
UNDO_BULK_ACT = Call(
    "undo_bulk_act", "POST", ONE + "/undo", Who.ADMIN_OR_ADMINS,
    "Give reassigned tasks back to whom they were for, where they are as that act left them", answer=BulkAct,
    status=202,
)  # fmt: skip

CALLS = (PREVIEW_BULK_ACT, BEGIN_BULK_ACT, LIST_BULK_ACTS, READ_BULK_ACT, LIST_BULK_ITEMS, UNDO_BULK_ACT)
