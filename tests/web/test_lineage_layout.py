"""Places in the graph of variants: none twice, and none taken back while the graph grows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from store_client import Lineage
from web_ui.lineage_graph import Colours, nodes_of, picture, way_to
from web_ui.lineage_layout import GENERATION_WIDTH, LANE_HEIGHT, STRIP_WIDTH, Layout, Spot

Parents = list[list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Parents:
    """What each variant was built on: mostly on earlier ones, sometimes on one that is not there, yet or ever."""
    size = draw(st.integers(1, 120))
    breadth = draw(st.sampled_from([1, 3, 120]))
    return [
        draw(st.lists(st.integers(max(0, number - breadth), number + 1), max_size=3, unique=True))
        for number in range(size)
    ]


def laid_out(parents: Parents) -> list[Spot]:
    layout = Layout()
    return [layout.add(number, above) for number, above in enumerate(parents)]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_no_two_variants_overlap_and_each_stands_behind_what_it_was_built_on(parents: Parents) -> None:
    spots = laid_out(parents)
    assert len({(spot.x, spot.y) for spot in spots}) == len(spots)
    assert min(STRIP_WIDTH, LANE_HEIGHT, GENERATION_WIDTH - 3 * STRIP_WIDTH) >= 20, "room for a mark of 15"
    for number, above in enumerate(parents):
        assert all(spots[number].generation > spots[one].generation for one in above if one < number)


@given(graphs(), st.integers(0, 120))
@settings(max_examples=40, deadline=None)
def test_growth_moves_nothing(parents: Parents, size: int) -> None:
    assert laid_out(parents[:size]) == laid_out(parents)[:size]


def test_a_line_of_descent_is_drawn_straight_and_siblings_around_it() -> None:
    assert {spot.lane for spot in laid_out([[], [0], [1], [2]])} == {0}
    siblings = laid_out([[]] + [[0]] * 40)[1:]
    assert all(abs(spot.lane) <= 16 for spot in siblings), "what is crowded goes into strips beside each other"


def lineage(values: list[float | None], parents: Parents, best: int) -> Lineage:
    numbers = tuple(range(1, len(values) + 1))
    return Lineage(
        numbers=numbers,
        ids=tuple(f"v{number}" for number in numbers),
        labels=tuple(f"step-{number}" for number in numbers),
        statuses="".join("-" if value is None else "+" for value in values),
        values=tuple(values),
        parents=tuple(map(tuple, parents)),
        best=best,
    )


def test_the_way_to_the_best_takes_the_better_parent_and_ends_even_in_a_circle() -> None:
    shown = lineage([0.5, 0.7, 0.6, 0.9], [[], [1], [1], [3, 2]], 4)
    nodes = {node.number: node for node in nodes_of(shown)}
    assert way_to(4, nodes, "maximize") == {4: 2, 2: 1, 1: None}
    assert way_to(4, nodes, "minimize") == {4: 3, 3: 1, 1: None}
    circle = {node.number: node for node in nodes_of(lineage([0.5, 0.6], [[2], [1]], 2))}
    assert set(way_to(2, circle, "maximize")) == {1, 2}
    assert way_to(9, nodes, "maximize") == {}


def test_colours_run_to_the_best_whatever_is_better_and_outliers_do_not_flatten_them() -> None:
    values = [*(0.5 + n / 100 for n in range(40)), -1e9, None]
    up, down = Colours.of(values, "maximize"), Colours.of([v and -v for v in values], "minimize")
    assert (up.step(0.89), up.step(-1e9), up.step(None)) == (6, 0, None)
    assert [up.step(v) for v in (0.55, 0.7, 0.85)] == [down.step(-v) for v in (0.55, 0.7, 0.85)]
    assert Colours.of([], "maximize").step(1.0) is None
    assert Colours.of([2.0], "minimize").step(2.0) == 6


def test_a_picture_has_every_variant_and_only_edges_between_them() -> None:
    drawn = picture(lineage([0.5, None, 0.9], [[], [1], [1, 99]], 3), "maximize", "v3", lambda one: f"/{one}")
    assert drawn is not None
    assert [(mark.kind, mark.step, mark.is_on_path, mark.is_centre) for mark in drawn.marks] == [
        ("success", 0, True, False), ("error", None, False, False), ("success", 6, True, True),
    ]  # fmt: skip
    assert (drawn.edges.count("M"), drawn.path.count("M")) == (1, 1)
    assert all(0 < mark.x < drawn.width and 0 < mark.y < drawn.height for mark in drawn.marks)
    assert picture(Lineage(), "maximize", None, str) is None
