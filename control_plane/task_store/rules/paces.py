"""Durations in buckets, four to a doubling, so that a middle one is known from a handful of counts."""

import math
from collections.abc import Mapping

PER_DOUBLING, SHORTEST_SECONDS = 4, 0.05


def bucket_of(seconds: float) -> int:
    """The bucket of a duration; one that is too short to tell is in the lowest."""
    return math.floor(PER_DOUBLING * math.log2(max(seconds, SHORTEST_SECONDS)))


def middle(counts: Mapping[int, int]) -> float | None:
    """The median in seconds, no more than a tenth off; None without any."""
    total, passed = sum(counts.values()), 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if 2 * passed >= total > 0:
            return float(2 ** ((bucket + 0.5) / PER_DOUBLING))
    return None
