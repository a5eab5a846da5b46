"""Whether a work branch may go."""

import pytest

from control_plane.task_store.rules.branches import Owner, judge

HERE, THERE = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("status", "commit", "is_integrated", "expected"),
    [
        ("starting", None, False, ("needed", "starting")),
        ("starting", HERE, False, ("needed", "starting")),
        ("success", HERE, False, ("needed", "not-integrated")),
        ("success", HERE, True, ("eligible", "integrated")),
        ("success", THERE, True, ("needed", "moved")),
        ("error", HERE, False, ("eligible", "failed")),
        ("error", None, False, ("eligible", "failed")),
        ("error", THERE, False, ("needed", "moved")),
        ("evaluation_error", HERE, False, ("eligible", "unmeasured")),
        ("evaluation_error", THERE, False, ("needed", "moved")),
    ],
)
def test_a_branch_may_go_when_its_variant_has_ended_where_the_branch_points(
    status: str, commit: str | None, is_integrated: bool, expected: tuple[str, str]
) -> None:
    owner = Owner("v", status, commit, is_integrated)
    assert judge(owner, HERE, is_held=False) == judge(owner, HERE, is_held=True) == expected


def test_a_branch_of_nobodys_may_go_unless_it_may_be_for_a_task_that_is_held() -> None:
    assert judge(None, HERE, is_held=False) == ("orphan", "no-variant")
    assert judge(None, HERE, is_held=True) == ("needed", "held")
