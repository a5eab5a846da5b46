"""How long a claim lasts."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from store_client.wire.scalars import format_time, parse_time
from store_client.wire.tasks import TaskKind

DEFAULT_SECONDS: Mapping[TaskKind, float] = {"ideation": 30 * 60, "execution": 2 * 3600, "evaluation": 3600}
GIT_PASSWORD_SECONDS = 12 * 3600.0


def seconds_for(kind: TaskKind, config: Mapping[str, Any]) -> float:
    """How long a claim lasts when its claimant does not say; the experiment's `claim_seconds` may."""
    configured = config.get("claim_seconds")
    seconds = configured.get(kind) if isinstance(configured, Mapping) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return DEFAULT_SECONDS[kind]
    return float(seconds)


def after(now: str, seconds: float) -> str:
    """The moment so many seconds after now."""
    return format_time(parse_time(now) + timedelta(seconds=seconds))


def normal(moment: str) -> str:
    """A timestamp in the fixed width that sorts as text."""
    return format_time(parse_time(moment))
