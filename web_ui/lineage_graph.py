"""A part of the lineage as a picture: shapes by status, colours by the objective, the way to the best marked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from store_client import Lineage
from web_ui.filters import Direction, figure
from web_ui.lineage_layout import Layout, Spot
from web_ui.statuses import words

STATUSES = {".": "starting", "+": "success", "*": "integrated", "-": "error", "!": "evaluation_error"}
STEPS = 7
EDGE = 24
ROOM = 150
NAMED_UNTIL = 60
NAME_LENGTH = 15


@dataclass(frozen=True)
class Node:
    """A variant as the graph shows it."""

    number: int
    variant_id: str
    label: str
    status: str
    value: float | None
    parents: tuple[int, ...]


@dataclass(frozen=True)
class Mark:
    """A variant in the picture; `step` is how good its value is, 0 to 6, and none without one."""

    x: int
    y: int
    kind: str
    step: int | None
    title: str
    name: str
    href: str
    is_on_path: bool
    is_centre: bool


@dataclass(frozen=True)
class Picture:
    """What is drawn: variants, edges as two paths, and between which values the colours run."""

    width: int
    height: int
    marks: tuple[Mark, ...]
    edges: str
    path: str
    low: float | None
    high: float | None


def nodes_of(lineage: Lineage) -> tuple[Node, ...]:
    """The rows of a lineage."""
    columns = zip(
        lineage.numbers,
        lineage.ids,
        lineage.labels,
        lineage.statuses,
        lineage.values,
        lineage.parents,
        strict=True,
    )
    return tuple(
        Node(number, variant_id, label, STATUSES[sign], None if value is None else float(value), parents)
        for number, variant_id, label, sign, value, parents in columns
    )


def picture(lineage: Lineage, direction: Direction, centre: str | None, href: Callable[[str], str]) -> Picture | None:
    """The picture of a part of the lineage; none of no variant."""
    nodes = nodes_of(lineage)
    if not nodes:
        return None
    spots = _spots(nodes)
    scale = Colours.of([node.value for node in nodes], direction)
    way = way_to(lineage.best, {node.number: node for node in nodes}, direction)
    marks = tuple(
        Mark(
            x=spots[node.number].x,
            y=spots[node.number].y,
            kind="baseline" if node.number == lineage.baseline else node.status,
            step=scale.step(node.value),
            title=f"{node.number} {node.label}: {figure(node.value) if node.value is not None else words(node.status)}",
            name=_short(node.label) if len(nodes) <= NAMED_UNTIL or node.number in way else "",
            href=href(node.variant_id),
            is_on_path=node.number in way,
            is_centre=node.variant_id == centre,
        )
        for node in nodes
    )
    return Picture(
        width=max(mark.x for mark in marks) + ROOM,
        height=max(mark.y for mark in marks) + EDGE,
        marks=marks,
        edges=_edges(nodes, spots, lambda pair: pair not in way.items()),
        path=_edges(nodes, spots, lambda pair: pair in way.items()),
        low=scale.low,
        high=scale.high,
    )


def way_to(best: int | None, nodes: dict[int, Node], direction: Direction) -> dict[int, int | None]:
    """From the best to the root by the better parent each time: each variant and where it leads."""
    way: dict[int, int | None] = {}
    at = best if best in nodes else None
    while at is not None and at not in way:
        parents = [one for one in nodes[at].parents if one in nodes]
        way[at] = max(parents, key=lambda one: _rank(nodes[one], direction), default=None)
        at = way[at]
    return way


@dataclass(frozen=True)
class Colours:
    """From the worst to the best value, in steps; a tenth that is far worse does not flatten the rest."""

    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float | None], direction: Direction) -> "Colours":
        known = sorted((one for one in values if one is not None), reverse=direction == "minimize")
        return cls(known[len(known) // 10], known[-1]) if known else cls(None, None)

    def step(self, value: float | None) -> int | None:
        if value is None or self.low is None or self.high is None:
            return None
        share = 1.0 if self.low == self.high else (value - self.low) / (self.high - self.low)
        return min(max(int(share * STEPS), 0), STEPS - 1)


def _rank(node: Node, direction: Direction) -> float:
    if node.value is None:
        return float("-inf")
    return -node.value if direction == "minimize" else node.value


def _spots(nodes: Sequence[Node]) -> dict[int, Spot]:
    """Places with the topmost at the edge."""
    layout = Layout()
    for node in nodes:
        layout.add(node.number, node.parents)
    highest = min(spot.lane for spot in layout.spots.values())
    return {number: _Moved(spot.generation, spot.strip, spot.lane - highest) for number, spot in layout.spots.items()}


class _Moved(Spot):
    """A place within the edges of a picture."""

    @property
    def x(self) -> int:
        return super().x + EDGE

    @property
    def y(self) -> int:
        return super().y + EDGE


def _edges(nodes: Sequence[Node], spots: dict[int, Spot], is_wanted: Callable[[tuple[int, int | None]], bool]) -> str:
    return "".join(
        _curve(spots[parent], spots[node.number])
        for node in nodes
        for parent in node.parents
        if parent in spots and is_wanted((node.number, parent))
    )


def _curve(start: Spot, end: Spot) -> str:
    if start.y == end.y:
        return f"M{start.x} {start.y}H{end.x}"
    middle = (start.x + end.x) // 2
    return f"M{start.x} {start.y}C{middle} {start.y} {middle} {end.y} {end.x} {end.y}"


def _short(label: str) -> str:
    return label if len(label) <= NAME_LENGTH else label[: NAME_LENGTH - 1] + "…"
