"""What the loop remembers of an experiment between rounds; forgetting it costs a repetition, never a mistake."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store_client.wire.experiments import PolicyError

REST_SECONDS = 30.0


@dataclass
class Memory:
    """One experiment's."""

    is_settled: bool = False
    """Whether everything was decided once, to the end; a glance is enough from then on."""
    fault: PolicyError | None = None
    """The failure of the termination policy that was told last, while it lasts."""
    judged: tuple[Mapping[str, Any], int] | None = None
    """The policy that looked at metrics last, and how many variants were integrated then."""
    has_baseline: bool = False
    is_swept: bool = False
    """Whether branches that an earlier orchestrator left half-way have been seen to."""
    resting: dict[str, float] = field(default_factory=dict)

    def rest(self, what: str, seconds: float = REST_SECONDS) -> None:
        """Leave a task or variant that cannot be decided alone for a while."""
        self.resting[what] = time.monotonic() + seconds

    def forget_for_good(self, what: str) -> None:
        self.resting[what] = math.inf

    def rests(self, what: str) -> bool:
        return self.resting.get(what, 0.0) > time.monotonic()
