"""What people write to narrow a list is read without fail, and lists are narrowed by it or say why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.desk import Desk
from tests.web.reading import page, part, rows, says, words
from web_ui.filter_language import Field, Operator, Term, narrowing, parse, seconds, without, write

FIELDS = (
    Field("state", ("pending", "claimed")),
    Field("worker", example="me"),
    Field("F1", example="0.5", takes="number"),
    Field("age", example="1h", takes="age"),
)
PIECES = st.one_of(
    st.text(),
    st.sampled_from(['"', "\\", ":", " ", "state:", 'a:"', "\x1c", "\u2003", '\\"', "é:x", "a>", "<", "=", ">="]),
)
OPERATORS: st.SearchStrategy[Operator] = st.sampled_from((":", "<", "<=", ">", ">="))
TERMS = st.one_of(
    st.builds(Term, st.just(""), st.text(max_size=30)),
    st.builds(Term, st.sampled_from(["state", "F1", "a.b-c_d"]), st.text(max_size=30), OPERATORS),
)


@given(st.lists(PIECES).map("".join))
def test_reading_never_fails_and_what_is_written_reads_the_same(text: str) -> None:
    terms = parse(text)
    assert parse(write(terms)) == terms
    assert narrowing(text, FIELDS).text == text[:300].strip()


@given(st.lists(TERMS, max_size=6))
def test_any_terms_can_be_written(terms: list[Term]) -> None:
    assert list(parse(write(terms))) == terms


@pytest.mark.parametrize(
    ("text", "chosen", "said"),
    [
        ('State:pending worker:"Ada L" word', {"state": "pending", "worker": "Ada L"}, ""),
        ("colour:red", {}, "cannot be narrowed by “colour”, only by state, worker"),
        ("state:resting", {}, "“resting” is none of them"),
        ("state:pending state:claimed", {"state": "pending"}, "there twice"),
        ("worker:", {}, "Say which"),
        ("F1>0.5 f1<=1 age<2h", {}, ""),
        ("state>pending", {}, "like state:pending or state:claimed"),
        ("F1:0.5", {}, "like F1<0.5 or F1>0.5"),
        ("F1>much", {}, "“much” is none"),
        ("age>soon", {}, "a time like 30m"),
        ("F1>1 F1>=2", {}, "there twice"),
    ],
)
def test_what_is_not_understood_is_said(text: str, chosen: dict[str, str], said: str) -> None:
    found = narrowing(text, FIELDS)
    assert found.chosen == chosen
    assert said in found.problem
    assert bool(said) == bool(found.problem)


def test_comparisons_are_told_apart_by_their_side_and_ages_by_their_unit() -> None:
    found = narrowing("f1>0.5 F1<=1", FIELDS).compared
    assert [(one.field, one.operator, one.value, one.is_least) for one in found] == [
        ("F1", ">", "0.5", True),
        ("F1", "<=", "1", False),
    ]
    assert [seconds(one) for one in ("90s", "1.5h", "2d", "1", "h", "1y")] == [90, 5400, 172_800, None, None, None]
    assert (without("near state:x State:y", "state"), without("state:x", "state")) == ("near", None)


async def test_tasks_and_ideas_are_narrowed_by_what_is_written(desk: Desk) -> None:
    await desk.ada.propose("near", "far")
    held = await desk.ada.claim("execution")
    mine = rows(part(await desk.get("/tasks?q=worker:Ada"), "tasks"))
    assert [row[0] for row in mine] == [f"{held.title} execution"]
    assert rows(part(await desk.get("/tasks?q=worker:me"), "tasks")) == []
    assert len(rows(part(await desk.get("/tasks?q=state:any kind:execution"), "tasks"))) == 1
    assert rows(part(await desk.get("/tasks?q=state:pending kind:execution"), "tasks")) == []
    assert rows(part(await desk.get("/tasks?q=age>999999w"), "tasks")) == [], "nothing is that old, nor is any time"
    named = rows(part(await desk.get(f"/tasks?q=state:any {held.title}"), "tasks"))
    assert [row[0] for row in named] == [f"{held.title} execution"]
    box = page(await desk.get("/tasks?state=claimed&kind=execution")).select_one("#narrow")
    assert box is not None
    assert box["value"] == "state:claimed kind:execution"
    for text, said in (
        ("worker:Nobody", "Nobody in this experiment"),
        ("state:x", "none of them"),
    ):
        answer = await desk.get(f"/tasks?q={text}")
        kept = page(answer).select_one("#narrow")
        assert kept is not None
        assert (kept["value"], kept["aria-invalid"]) == (text, "true")
        assert said in words(page(answer).select_one("#narrow-problem"))
    assert desk.world.parts.indexer is not None
    while desk.world.parts.indexer.round():
        pass
    assert [row[0].split()[0] for row in rows(part(await desk.get("/ideas?q=far"), "ideas"))] == ["far"]
    assert rows(part(await desk.get("/ideas?q=far state:drafting"), "ideas")) == []
    assert "none of them" in says(await desk.get("/ideas?q=state:odd"))
