"""What a server has turned out to be: ours, or one that speaks the protocol alone."""

from dataclasses import dataclass, field

import anyio

ASK_AGAIN_SECONDS = 300.0


@dataclass
class Kind:
    """What a server has turned out to be; one that looked like a peer may have been a proxy in front of ours."""

    is_peer: bool | None = None
    asked_at: float = 0.0
    asking: anyio.Lock = field(default_factory=anyio.Lock)

    def is_due(self, moment: float) -> bool:
        return self.is_peer is None or (self.is_peer and moment - self.asked_at > ASK_AGAIN_SECONDS)
