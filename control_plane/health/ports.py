"""What the health wing asks the others, in a reading transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from control_plane.db.transaction import Tx


@dataclass(frozen=True)
class Signs:
    """Signs of life that other wings keep, and where files are."""

    data: Path
    leases: Callable[[Tx], tuple[int, str | None]]
    """How many are held, and when one was renewed last."""
    machines: Callable[[Tx], tuple[int, str | None]]
    """How many machines schedulers have seen, and when the GPUs of one were seen last."""
