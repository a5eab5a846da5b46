"""The part of the face that is about finding."""

from store_client.wire.search import SEARCHED, Found, FoundKind, SearchPage

__all__ = ["SEARCHED", "Found", "FoundKind", "SearchPage"]
