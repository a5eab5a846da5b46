"""How long credentials of each kind live."""

from datetime import timedelta

from store_client.wire.scalars import format_time, parse_time

SIGN_IN_CODE = timedelta(minutes=15)
SESSION = timedelta(days=14)
"""After which one signs in again, however often it was used."""
IDLE = timedelta(days=7)
"""After which a session ends that nobody used."""
INVITATION = timedelta(days=7)
RESET = timedelta(days=1)
TOKEN = timedelta(hours=1)


def after(now: str, lifetime: timedelta) -> str:
    """The moment when something that begins now ends."""
    return format_time(parse_time(now) + lifetime)


def session_end(now: str, began_at: str) -> str:
    """When a session ends that is used now: unless it is used again, and in any case a while after its beginning."""
    return min(after(now, IDLE), after(began_at, SESSION))
