"""§1.6 to §1.8: times, commits, slugs, branches, addresses, metric values, and what is absent rather than null."""

from typing import Any

import pytest

from tests.wire.yard import Yard

TIMES = {
    True: ("2026-01-01T00:00:00Z", "2026-12-31T23:59:59.5Z", "2026-01-01T00:00:00.123456789Z"),
    False: (
        "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "20260101T000000Z", "2026-01-01T00:00:00Z\n", "", "now", 0, None, "٢026-01-01T00:00:00Z",
    ),
}  # fmt: skip
COMMITS = {
    True: ("b" * 40, "0123456789abcdef" * 4),
    False: ("b" * 39, "b" * 41, "b" * 63, "B" * 40, "g" * 40, "", "HEAD", 7, "b" * 40 + "\n"),
}
SLUGS = {True: ("a", "0-a", "a--b-"), False: ("", "-a", "A", "a_b", "a b", "é", "a\n")}
BRANCHES = {True: ("work/x", "work/a/b", "work/é"), False: ("work/", "work", "main", "variant/x", "Work/x", "", 7)}
URIS = {
    True: ("https://example.org/a?b#c", "eden://artifacts/1", "checkpoint:blobs/a", "file:///tmp/x", "urn:x:y"),
    False: ("", "no scheme", "/path", "1http://x", "https://ex ample.org", "http://x\n", 7),
}
PRIORITIES = {True: (0, -1, 1.5, 1e300, 10**17), False: ("1", True, None, [1])}
VALUES: dict[str, dict[bool, tuple[Any, ...]]] = {
    "steps": {True: (3, -7, 1.0, 0, None), False: (1.5, "3", True, False, [3], {})},
    "accuracy": {True: (1, 0.5, -1e300, None), False: ("0.5", True, False, [], {})},
    "note": {True: ("", "words", None), False: (1, 0.5, True, [], {})},
}


async def is_taken(yard: Yard, path: str, body: dict[str, Any], *, should: bool) -> None:
    """The body is created or a bad request, as it should."""
    name = "orchestrators" if path == "v0:tasks" else "ann"
    answer = await yard.call(name, "POST", path, body)
    assert answer.status_code == (200 if should else 400), (body, answer.text)
    if not should:
        assert answer.json()["type"] == "eden://error/bad-request"


@pytest.mark.parametrize(
    ("field", "values"), [("created_at", TIMES), ("slug", SLUGS), ("artifacts_uri", URIS), ("priority", PRIORITIES)]
)
async def test_scalars_of_an_idea(yard: Yard, field: str, values: dict[bool, tuple[Any, ...]]) -> None:
    for should, each in values.items():
        for value in each:
            await is_taken(yard, "v0:ideas", yard.idea_body(**{field: value}), should=should)


async def test_times_of_tasks_and_claims(yard: Yard) -> None:
    for should, each in TIMES.items():
        for value in each:
            await is_taken(yard, "v0:tasks", yard.task_body(updated_at=value), should=should)
    task_id = await yard.task()
    for value in TIMES[False]:
        await yard.refused("bad-request", "bob", "POST", f"v0:tasks/{task_id}/claim", {"expires_at": value})


async def test_commits_and_branches_of_ideas_and_variants(yard: Yard) -> None:
    idea_id = await yard.idea()
    for should, each in COMMITS.items():
        for value in each:
            await is_taken(yard, "v0:ideas", yard.idea_body(parent_commits=[value]), should=should)
    for should, each in BRANCHES.items():
        for value in each:
            await is_taken(yard, "v0:variants", yard.variant_body(idea_id, branch=value), should=should)


async def test_equal_slugs_are_fine_and_an_address_stays_as_it_was_written(yard: Yard) -> None:
    odd = "HTTPS://Example.org/%7Ea/../b?x=1#y"
    first, second = [await yard.idea(slug="twice", artifacts_uri=odd) for _ in range(2)]
    assert {(await yard.see("idea", one))["slug"] for one in (first, second)} == {"twice"}
    assert (await yard.see("idea", first))["artifacts_uri"] == odd


async def test_a_metric_has_the_type_that_was_declared(yard: Yard) -> None:
    variant_id = await yard.executed()
    wrong = [(name, value) for name, verdicts in VALUES.items() for value in verdicts[False]]
    for name, value in [*wrong, *((odd, 1) for odd in ("unknown", "commit_sha", "executor_artifacts_uri", "0x", ""))]:
        task_id = await yard.evaluating(variant_id)
        await yard.submit(task_id, variant_id=variant_id, status="success", evaluation={name: value})
        assert name in await yard.refused("invalid-precondition", "orchestrators", "POST", f"v0:tasks/{task_id}/accept")
        await yard.reject(task_id, "validation_error")
    for name, verdicts in VALUES.items():
        for value in verdicts[True]:
            fresh = await yard.evaluated(**{name: value})
            assert (await yard.see("variant", fresh))["evaluation"] == {name: value}


async def test_optional_fields_are_omitted_and_never_null(yard: Yard) -> None:
    idea_id = await yard.idea()
    task_id = await yard.task("execution", idea_id)
    task = await yard.see("task", task_id)
    assert not {"target", "claim", "submitted_by"} & task.keys()
    await yard.claim(task_id)
    assert not {"intended_executor", "intended_evaluator"} & (await yard.see("idea", idea_id)).keys()
    variant = await yard.see("variant", await yard.variant(idea_id))
    assert (
        not {"kind", "commit_sha", "evaluation", "completed_at", "executed_by", "variant_commit_sha"} & variant.keys()
    )
    experiment = await yard.get("v0:")
    assert experiment["imported_from"] is None
    assert None not in {value for key, value in experiment.items() if key != "imported_from"}
    started = [data for type_, data in await yard.told() if type_ == "variant.started"]
    assert all("kind" not in data for data in started)


async def test_null_is_refused_where_a_field_may_be_left_out(yard: Yard) -> None:
    for body in (yard.idea_body(intended_executor=None), yard.idea_body(intended_evaluator=None)):
        await yard.refused("bad-request", "ann", "POST", "v0:ideas", body)
    await yard.refused("bad-request", "orchestrators", "POST", "v0:tasks", yard.task_body(target=None))
    idea_id = await yard.idea()
    for field in ("description", "commit_sha", "branch"):
        await yard.refused("bad-request", "ann", "POST", "v0:variants", yard.variant_body(idea_id, **{field: None}))
    for path in ("v0:workers", "v0:groups"):
        await yard.refused("bad-request", "admin", "POST", path, {"name": None})
    await yard.refused("bad-request", "admin", "POST", "v0:workers", {"labels": None})


async def test_null_is_the_word_for_no_new_target(yard: Yard) -> None:
    task_id = await yard.task(target={"kind": "worker", "id": yard.store.id_of("eve")})
    freed = await yard.post(f"v0:tasks/{task_id}/reassign", {"new_target": None, "reason": "any will do"}, "admins")
    assert "target" not in freed
    (data,) = [data for type_, data in await yard.told() if type_ == "task.reassigned"]
    assert data["new_target"] is None


async def test_times_order_nothing(yard: Yard) -> None:
    late = await yard.task(created_at="2999-01-01T00:00:00Z", updated_at="2999-01-01T00:00:00Z")
    early = await yard.task(created_at="1999-01-01T00:00:00Z", updated_at="1999-01-01T00:00:00Z")
    told = [data["task_id"] for type_, data in await yard.told() if type_ == "task.created"]
    assert told[-2:] == [late, early]
