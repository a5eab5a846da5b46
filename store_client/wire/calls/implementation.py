"""The call by which a client learns what it talks to."""

from store_client.wire.call import Call, Who
from store_client.wire.implementation import Implementation

DISCOVER = Call("discover", "GET", "/api", Who.ANYONE, "What this server is", answer=Implementation)

CALLS = (DISCOVER,)
