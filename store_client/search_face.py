"""The part of the face that is about finding, and about the views that people keep of lists."""

from store_client.wire.search import SEARCHED, Found, FoundKind, SearchPage
from store_client.wire.views import VIEWED, ChangeView, SavedView, SaveView, ViewedList

__all__ = [
    "SEARCHED", "VIEWED", "ChangeView", "Found", "FoundKind", "SaveView", "SavedView", "SearchPage", "ViewedList",
]  # fmt: skip
