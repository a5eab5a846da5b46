"""The pages and acts of finding things."""

from web_ui.pages import bulk, bulk_acts, search, views

PAGES = (("/search", search.show, "search"),)
"""Of the whole deployment: path, handler, name."""
INSIDE = (
    ("/views", views.index, "views"),
    ("/bulk", bulk.preview, "bulk_preview"),
    ("/bulk-acts", bulk_acts.index, "bulk_acts"),
    ("/bulk-acts/{act}", bulk_acts.show, "bulk_act"),
)
ACTS = (
    ("/views/save", views.save, "save_view"),
    ("/views/{view}/change", views.change, "change_view"),
    ("/views/{view}/delete", views.delete, "delete_view"),
    ("/bulk/begin", bulk.begin, "begin_bulk"),
    ("/bulk-acts/{act}/undo", bulk_acts.undo, "undo_bulk"),
)
