"""The pages and acts of finding things."""

from web_ui.pages import search

PAGES = (("/search", search.show, "search"),)
"""Of the whole deployment: path, handler, name."""
