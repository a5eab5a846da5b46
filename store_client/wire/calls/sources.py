"""Calls about what new experiments begin with."""

from store_client.wire.call import Call, PageQuery, Who
from store_client.wire.sources import ExampleList, FetchSource, Source, UnmadeList

S = "/api/sources"

UPLOAD_SOURCE = Call(
    "upload_source", "POST", S + "/upload", Who.ADMIN_OR_ADMINS, "Lay out the files of a .tar, .tar.gz or .zip",
    answer=Source, status=201, is_streamed=True,
)  # fmt: skip
FETCH_SOURCE = Call(
    "fetch_source", "POST", S, Who.ADMIN_OR_ADMINS, "Lay out the files of a repository elsewhere or of an example",
    body=FetchSource, answer=Source, status=201,
)  # fmt: skip
READ_SOURCE = Call(
    "read_source", "GET", S + "/{source_id}", Who.ADMIN_OR_ADMINS, "Read what an experiment of it would be",
    answer=Source,
)  # fmt: skip
DROP_SOURCE = Call(
    "drop_source", "DELETE", S + "/{source_id}", Who.ADMIN_OR_ADMINS, "Clear it away; it goes by itself within a day",
    status=204,
)  # fmt: skip
LIST_EXAMPLES = Call(
    "list_examples", "GET", "/api/examples", Who.ADMIN_OR_ADMINS, "List the examples", answer=ExampleList
)
LIST_UNMADE = Call(
    "list_unmade_experiments", "GET", "/api/experiments/unmade", Who.ADMIN_OR_ADMINS,
    "List what is registered and not made yet", query=PageQuery, answer=UnmadeList,
)  # fmt: skip

CALLS = (UPLOAD_SOURCE, FETCH_SOURCE, READ_SOURCE, DROP_SOURCE, LIST_EXAMPLES, LIST_UNMADE)
