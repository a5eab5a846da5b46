"""Typed methods of the clients, one file a noun, one method a row of the table of calls and of the same name."""
