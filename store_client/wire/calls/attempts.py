"""Calls of attempts that run on other machines."""

from store_client.wire.attempts import AttemptNews, AttemptOrder, AttemptWish, BeginAttempt, EndAttempt
from store_client.wire.call import Call, Who

A = "/api/attempts/{job_id}/{attempt}"

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

CALLS = (BEGIN_ATTEMPT, REPORT_ATTEMPT, END_ATTEMPT)
