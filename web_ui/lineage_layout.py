"""Places of variants in a graph: a column by generation, in that the free lane nearest to the parents.

A place depends only on what came before, so that a graph grows without moving. `static/js/graph_layout.js` does the
same in the browser; a test compares the two.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

GENERATION_WIDTH = 132
STRIP_WIDTH = 24
LANE_HEIGHT = 20
STRIPS = 4
STRIP_COST = 8
Ways = dict[int, int]


@dataclass(frozen=True)
class Spot:
    """Where a variant stands: its generation, the strip of its column and the lane."""

    generation: int
    strip: int
    lane: int

    @property
    def x(self) -> int:
        return self.generation * GENERATION_WIDTH + self.strip * STRIP_WIDTH

    @property
    def y(self) -> int:
        return self.lane * LANE_HEIGHT


@dataclass
class _Strip:
    """The lanes of one strip: from each taken lane a way to the next that may be free, on either side."""

    upwards: Ways = field(default_factory=dict)
    downwards: Ways = field(default_factory=dict)

    def free(self, wanted: int) -> Iterator[int]:
        """The nearest free lanes, above and below."""
        yield _end(self.upwards, wanted)
        yield _end(self.downwards, wanted)

    def take(self, lane: int) -> None:
        self.upwards[lane], self.downwards[lane] = lane - 1, lane + 1


@dataclass
class Layout:
    """The places given out so far."""

    spots: dict[int, Spot] = field(default_factory=dict)
    _columns: dict[int, tuple[_Strip, ...]] = field(default_factory=dict)

    def add(self, number: int, parents: Sequence[int]) -> Spot:
        """The place of a variant; its parents that have none yet do not count."""
        known = [self.spots[one] for one in parents if one in self.spots]
        generation = max((one.generation + 1 for one in known), default=0)
        wanted = math.floor(sum(one.lane for one in known) / len(known) + 0.5) if known else 0
        spot = self._nearest(generation, wanted)
        self.spots[number] = spot
        return spot

    def _nearest(self, generation: int, wanted: int) -> Spot:
        column = self._columns.setdefault(generation, tuple(_Strip() for _ in range(STRIPS)))
        offers = [(strip, lane) for strip, one in enumerate(column) for lane in one.free(wanted)]
        strip, lane = min(offers, key=lambda offer: abs(offer[1] - wanted) + STRIP_COST * offer[0])
        column[strip].take(lane)
        return Spot(generation, strip, lane)


def _end(ways: Ways, lane: int) -> int:
    """Where the ways from a lane lead; each of them leads there directly from now on."""
    found = lane
    while found in ways:
        found = ways[found]
    while lane != found:
        ways[lane], lane = found, ways[lane]
    return found
