"""How digits and packing come to ideas and carry them out: the two share these programs, word for word."""

import json
import re
from typing import Any

import pytest

from tests.examples.conftest import Begin
from tests.examples.host import EXAMPLES, Host, Idea

STEP = {"move": "settle", "rounds": 2, "reach": 0.02}
SHARED = ("cage.py", "exam.py", "execute.py", "ideate.py", "lineage.py", "program.py")


def set_to(**keys: Any) -> str:
    return f"Try this.\n\n```json\n{json.dumps({'set': keys})}\n```\n"


def change(host: Host, content: str) -> str:
    """What the executor says to an idea that it cannot carry out."""
    executed = host.execute(Idea("by-hand", 1, [host.base_commit], content))
    assert (executed.status, executed.commit) == ("error", None)
    return executed.description


def entry(slug: str, score: float, **more: Any) -> dict[str, Any]:
    return {"slug": slug, "status": "success", "objective_value": score, **more}


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_programs_do_not_drift_apart(name: str) -> None:
    assert (EXAMPLES / "digits" / name).read_text() == (EXAMPLES / "packing" / name).read_text()


@pytest.mark.parametrize("name", ["digits", "packing"])
def test_ideas_obey_the_protocol(begin: Begin, name: str) -> None:
    host = begin(name)
    ideas = host.ideate()
    assert ideas
    for idea in ideas:
        assert re.fullmatch("[a-z0-9][a-z0-9-]*", idea.slug)
        assert idea.parents == [host.base_commit]
        assert 0 < idea.priority < 1
        assert host.execute(idea).status == "success"


@pytest.mark.parametrize("question", ["", "no JSON\n", "{}\n"])
def test_a_question_that_cannot_be_read_is_an_ideation_error(packing: Host, question: str) -> None:
    ready, error = packing.say(question)
    assert ready == {"event": "ready"}
    assert (error["event"], bool(error["message"])) == ("ideation-error", True)


def test_ideas_build_on_integrated_variants_only(begin: Begin) -> None:
    host = begin("packing")
    host.begin()
    loose = host.variant(pack="CONFIG = {'steps': []}")
    host.remember(entry("settle-loose", 9.0, commit_sha=loose, parent_commits=[host.base_commit]))
    assert {parent for idea in host.ideate() for parent in idea.parents} == {host.base_commit}


def test_ideas_on_a_newer_record_come_first(begin: Begin) -> None:
    host = begin("packing")
    host.begin()
    before = max(idea.priority for idea in host.ideate())
    host.carry_out(Idea("settle-once", 1, [host.base_commit], set_to(steps=[STEP])))
    assert min(idea.priority for idea in host.ideate()) > before


def test_a_change_is_written_where_it_belongs_and_nowhere_else(packing: Host) -> None:
    content = 'More.\n\n```json\n{"set": {"columns": 7}, "append": {"steps": [{"move": "settle"}]}}\n```\n'
    executed = packing.execute(Idea("by-hand", 1, [packing.base_commit], content))
    assert executed.commit is not None
    diff = packing.git(packing.repository, "diff", "-U0", packing.base_commit, executed.commit).splitlines()
    changes = [line for line in diff if re.match("[-+](?![-+])", line)]
    assert changes == [
        '-    "columns": 6,',
        '+    "columns": 7,',
        '-    "steps": [],',
        '+    "steps": [',
        '+        {"move": "settle"},',
        "+    ],",
    ]
    assert executed.description == "More."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Make it better.", "carry it out by hand"),
        (set_to(), "changes nothing"),
        (set_to(columns=6), "changes nothing"),
        (set_to(colour="red"), "has no `colour`"),
        (set_to(columns="six"), "cannot replace"),
        (set_to(columns=True), "cannot replace"),
        (set_to(columns=float("inf")), "only numbers"),
        (set_to(steps=[None]), "only numbers"),
        ("```json\n{broken\n```\n", "not JSON"),
        ('```json\n{"delete": {"columns": 1}}\n```\n', "a change is"),
        ('```json\n{"set": ["columns"]}\n```\n', "must map"),
        ('```json\n["set"]\n```\n', "a change is"),
    ],
)
def test_an_idea_that_cannot_be_applied_says_why(packing: Host, content: str, reason: str) -> None:
    assert reason in change(packing, content)


def test_a_program_without_a_config_is_left_to_people(packing: Host) -> None:
    commit = packing.variant(pack="print('[]')")
    executed = packing.execute(Idea("by-hand", 1, [commit], set_to(columns=7)))
    assert (executed.status, executed.description) == ("error", "the program has no CONFIG")
