"""A plan is what the plainest reading of the rules says it is: every small case tried against trying all."""

import pytest
from hypothesis import given, settings

from control_plane.scheduler.rules.board import Situation
from control_plane.scheduler.rules.planning import plan
from tests.scheduler.planning_cases import situations
from tests.scheduler.planning_oracle import Oracle


@settings(max_examples=150)
@given(situations)
def test_a_plan_starts_what_trying_all_ways_starts(given_: Situation) -> None:
    compare(given_)


@pytest.mark.long
@settings(max_examples=5_000)
@given(situations)
def test_five_thousand_plans_start_what_trying_all_ways_starts(given_: Situation) -> None:
    compare(given_)


def compare(given_: Situation) -> None:
    """The same jobs start, the same one is next, and the same ones give way."""
    made, expected = plan(given_), Oracle(given_).run()
    assert [placement.job_id for placement in made.placements] == expected.started
    head = made.reservation
    assert (head.job_id if head else None) == expected.head
    assert (head.at if head else None) == expected.at
    assert sorted(way.job_id for way in made.give_ways) == sorted(expected.give_ways)
