"""Whether a GPU, or a slice of one, is given out, and if not, why: pure functions of what is known of it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from control_plane.scheduler.rules.board import SlotState

MIB = 1024 * 1024
RESERVED_BYTES = 1024 * MIB
"""So much may be in use without any process: what the driver keeps for itself."""
SLACK_BYTES = 64 * MIB
"""Memory counts as free again up to so much more than before."""
NAMED = 4
Key = tuple[str, int]


@dataclass(frozen=True)
class Held:
    """A process on a part and what it holds there; `attempts` are those that it descends from, innermost first."""

    pid: int
    memory_bytes: int | None
    attempts: tuple[Key, ...] = ()
    user: str | None = None
    command: str | None = None

    @property
    def is_seen(self) -> bool:
        """Whether the process can be seen from here; who it is cannot be said of one that cannot."""
        return self.command is not None

    @property
    def words(self) -> str:
        named = f" ({self.command}{f' of {self.user}' if self.user else ''})" if self.is_seen else ""
        return f"{self.pid}{named}"


@dataclass(frozen=True)
class Usage:
    """The processes on a part, by whose they are."""

    ours: tuple[Held, ...] = ()
    left: tuple[Held, ...] = ()
    """Of attempts of ours that have ended."""
    foreign: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Seen:
    """One part as it stood at a moment."""

    state: SlotState
    why: str | None = None
    is_kept_back: bool = False
    """Whether that is somebody's decision, and not what was found."""
    processes: tuple[Held, ...] = ()
    quiet_bytes: int | None = None
    """Memory in use beyond that of processes while nothing of ours is on it."""


@dataclass(frozen=True)
class KeptBack:
    """What somebody, or the scheduler itself, has decided about a part."""

    state: Literal["quarantined", "draining"]
    reason: str
    by: str


@dataclass(frozen=True)
class Standing:
    """Everything that decides about a part; each is the reason, or none."""

    lost: str | None = None
    kept_back: KeptBack | None = None
    leaving: str | None = None
    is_reserved: bool = False
    foreign: str | None = None


def state_of(standing: Standing) -> tuple[SlotState, str | None]:
    """The state of a part and why, the hardest reason first."""
    if standing.lost is not None:
        return "lost", standing.lost
    if standing.kept_back is not None:
        return standing.kept_back.state, standing.kept_back.reason
    if standing.leaving is not None:
        return "draining", standing.leaving
    if standing.is_reserved:
        return "reserved", "kept for others by this server's settings"
    if standing.foreign is not None:
        return "foreign", standing.foreign
    return "usable", None


def usage(held: Sequence[Held], live: Collection[Key], has_ended: Callable[[Key], bool]) -> Usage:
    """Sort processes by whose they are; `live` are the attempts on the part, `has_ended` knows those of ours that did.

    A process that cannot be seen is taken for one of the live attempts, where there are any.
    """
    ours, left, foreign = [], [], []
    for one in held:
        if any(key in live for key in one.attempts) or (live and not one.is_seen):
            ours.append(one)
        elif any(has_ended(key) for key in one.attempts):
            left.append(one)
        else:
            foreign.append(one)
    return Usage(tuple(ours), tuple(left), tuple(foreign))


def unaccounted(used_bytes: int | None, held: Sequence[Held]) -> int | None:
    """Memory in use that no listed process holds."""
    return None if used_bytes is None else max(0, used_bytes - sum(one.memory_bytes or 0 for one in held))


def not_free(left: Sequence[Held], now_bytes: int | None, before_bytes: int | None) -> str | None:
    """What an ended attempt still holds: its processes, or memory beyond what was in use before it."""
    if left:
        return f"{_amount(left)} held by {_named(left)}, which outlived an attempt"
    if now_bytes is not None and before_bytes is not None and now_bytes > before_bytes + SLACK_BYTES:
        return f"{(now_bytes - before_bytes) // MIB} MiB more in use than before the attempt that ended here"
    return None


def foreign(others: Sequence[Held], now_bytes: int | None, most_bytes: int, *, is_ours_too: bool) -> str | None:
    """How others use a part, when that is more than `most_bytes`."""
    if sum(one.memory_bytes or 0 for one in others) > most_bytes:
        return f"{_amount(others)} held by {_named(others)}"
    if not is_ours_too and now_bytes is not None and now_bytes > most_bytes + RESERVED_BYTES:
        return f"{now_bytes // MIB} MiB in use by processes that cannot be seen from here"
    return None


def _amount(held: Sequence[Held]) -> str:
    known = [one.memory_bytes for one in held if one.memory_bytes is not None]
    return f"{sum(known) // MIB} MiB" if known else "memory"


def _named(held: Sequence[Held]) -> str:
    noun = "process" if len(held) == 1 else "processes"
    more = f" and {len(held) - NAMED} more" if len(held) > NAMED else ""
    return f"{noun} {', '.join(one.words for one in held[:NAMED])}{more}"
