"""One module a page: the dataclass its template sees, and the handlers that fill it."""
