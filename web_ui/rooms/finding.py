"""The pages and acts of finding things."""

from web_ui.pages import search, views

PAGES = (("/search", search.show, "search"),)
"""Of the whole deployment: path, handler, name."""
INSIDE = (("/views", views.index, "views"),)
ACTS = (
    ("/views/save", views.save, "save_view"),
    ("/views/{view}/change", views.change, "change_view"),
    ("/views/{view}/delete", views.delete, "delete_view"),
)
