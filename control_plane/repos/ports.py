"""What this wing asks of the rest of the control plane."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Access:
    """Who knocks, at which experiment, and which branches they may push.

    A prefix ends in a slash (`refs/heads/work/wkr_x/`); without one it is a single branch.
    """

    experiment_id: str
    worker_id: str
    push_prefixes: tuple[str, ...] = ()


class Authorize(Protocol):
    """Answers None to everyone who may not read the experiment, whether or not there is one."""

    async def __call__(self, experiment: str, username: str, password: str) -> Access | None: ...


class Pushed(Protocol):
    """Is told that a push was taken in, before the pusher is; the repository says which branches moved."""

    async def __call__(self, access: Access, experiment_id: str) -> None: ...
