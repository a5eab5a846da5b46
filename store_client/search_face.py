"""The part of the face that is about finding, about saved views of lists, and about acts on what a filter chooses."""

from store_client.wire.bulk import (
    MOST_AT_ONCE,
    BeginBulkAct,
    BulkAct,
    BulkActName,
    BulkActPage,
    BulkItem,
    BulkItemPage,
    BulkOutcome,
    BulkPreview,
    ChooseTasks,
    TaskChoice,
)
from store_client.wire.search import SEARCHED, Found, FoundKind, SearchPage
from store_client.wire.views import VIEWED, ChangeView, SavedView, SavedViews, SaveView, ViewedList

__all__ = [
    "MOST_AT_ONCE", "SEARCHED", "VIEWED", "BeginBulkAct", "BulkAct", "BulkActName", "BulkActPage", "BulkItem",
    "BulkItemPage", "BulkOutcome", "BulkPreview", "ChangeView", "ChooseTasks", "Found", "FoundKind",
    "SaveView", "SavedView", "SavedViews", "SearchPage", "TaskChoice", "ViewedList",
]  # fmt: skip
