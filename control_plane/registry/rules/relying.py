"""What the OpenID Connect provider knows us by, and what we make of whom it vouches for."""

from dataclasses import dataclass, field
from typing import Literal

CALLBACK = "/signin/provider/callback"


@dataclass(frozen=True)
class Welcome:
    """Who is known at first sight, and what becomes of who is not."""

    claim: Literal["sub", "email"] = "sub"
    """`email`: a verified address that is somebody's sign-in name names them, the first time."""
    newcomers: Literal["none", "viewer"] = "none"
    """What a person becomes whom nobody invited; `none`: they stay outside."""


@dataclass(frozen=True)
class Client:
    """What the provider knows us by. The secret comes from a file alone: no argument and no variable holds it."""

    issuer: str
    """Exactly as the provider writes it."""
    client_id: str
    secret: str = field(repr=False)
    console_url: str
    """Where people reach the console: browsers come back there and nowhere else."""
    welcome: Welcome = field(default_factory=Welcome)

    @property
    def redirect_uri(self) -> str:
        return self.console_url.rstrip("/") + CALLBACK
