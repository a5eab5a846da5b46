"""Calls about the views of lists that a person keeps."""

from store_client.wire.call import Call, Query, Who
from store_client.wire.views import ChangeView, SavedView, SavedViews, SaveView, ViewedList

VIEWS = "/api/views"
ONE = VIEWS + "/{view_id}"


class ViewQuery(Query):
    list: ViewedList | None = None


LIST_VIEWS = Call(
    "list_views", "GET", VIEWS, Who.PERSON, "List one's own views, of one list or of all",
    query=ViewQuery, answer=SavedViews,
)  # fmt: skip
SAVE_VIEW = Call(
    "save_view", "POST", VIEWS, Who.PERSON, "Keep a view of a list under a name", body=SaveView, answer=SavedView,
    status=201,
)  # fmt: skip
CHANGE_VIEW = Call(
    "change_view", "PATCH", ONE, Who.PERSON, "Rename one's own view, or have its list begin with it",
    body=ChangeView, answer=SavedView, is_safe_to_repeat=True,
)  # fmt: skip
DELETE_VIEW = Call(
    "delete_view", "DELETE", ONE, Who.PERSON, "Delete one's own view", status=204, is_safe_to_repeat=True
)

CALLS = (LIST_VIEWS, SAVE_VIEW, CHANGE_VIEW, DELETE_VIEW)
