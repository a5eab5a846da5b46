"""The call behind the health page."""

from store_client.wire.call import Call, Who
from store_client.wire.health import Health

READ_HEALTH = Call(
    "read_health", "GET", "/api/health/detail", Who.ADMIN_OR_ADMINS, "How each part of the deployment does",
    answer=Health,
)  # fmt: skip

CALLS = (READ_HEALTH,)
