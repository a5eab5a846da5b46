"""Calls of attempts that run on other machines."""

from pydantic import Field

from store_client.wire.attempts import (
    AttemptNews,
    AttemptOrder,
    AttemptWish,
    BeginAttempt,
    CarriedCheckpoints,
    EndAttempt,
    KeepCheckpoints,
)
from store_client.wire.call import Call, Query, Who

A = "/api/attempts/{job_id}/{attempt}"


class CheckpointQuery(Query):
    name: str = Field(min_length=1, max_length=400, description="of a file, as the list of them has it")


BEGIN_ATTEMPT = Call(
    "begin_attempt", "POST", A + "/begin", Who.ANYONE, "Exchange the ticket of an attempt for its order, once",
    body=BeginAttempt, answer=AttemptOrder, is_safe_to_repeat=True,
)  # fmt: skip
REPORT_ATTEMPT = Call(
    "report_attempt", "POST", A + "/news", Who.ATTEMPT, "Send what an attempt has printed, said or made",
    body=AttemptNews, answer=AttemptWish, is_safe_to_repeat=True,
)  # fmt: skip
END_ATTEMPT = Call(
    "end_attempt", "POST", A + "/end", Who.ATTEMPT, "Say that an attempt has ended",
    body=EndAttempt, status=204, is_safe_to_repeat=True,
)  # fmt: skip
LIST_CHECKPOINTS = Call(
    "list_carried_checkpoints", "GET", A + "/checkpoints", Who.ATTEMPT,
    "List what earlier attempts of the job have left", answer=CarriedCheckpoints,
)  # fmt: skip
FETCH_CHECKPOINT = Call(
    "fetch_carried_checkpoint", "GET", A + "/checkpoints/file", Who.ATTEMPT, "Fetch a file of them",
    query=CheckpointQuery, is_streamed=True,
)  # fmt: skip
KEEP_CHECKPOINTS = Call(
    "keep_checkpoints", "POST", A + "/checkpoints", Who.ATTEMPT,
    "Have the files that were sent be the job's checkpoints", body=KeepCheckpoints, status=204, is_safe_to_repeat=True,
)  # fmt: skip

CALLS = (BEGIN_ATTEMPT, REPORT_ATTEMPT, END_ATTEMPT, LIST_CHECKPOINTS, FETCH_CHECKPOINT, KEEP_CHECKPOINTS)
