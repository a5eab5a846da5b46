"""Rows of the table of routes, a room a file: (path, handler, name) of pages and of acts."""
