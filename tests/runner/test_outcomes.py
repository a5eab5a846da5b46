"""What an ended job says, for every way in which a command can end."""

import json
from typing import Any

import pytest

from store_client.roles.outcomes import (
    Evaluated,
    EvaluationFailed,
    Executed,
    ExecutionFailed,
    IdeaDraft,
    IdeasProposed,
    IdeationFailed,
    VariantFailed,
    read_evaluation,
    read_execution,
    read_ideation,
)
from store_client.wire.jobs import JobDetail

COMMIT, OTHER = "b" * 40, "c" * 40
NOW = "2030-01-01T00:00:00.000000Z"
DONE = {"event": "ideation-done"}


def job(state: str = "succeeded", **facts: Any) -> JobDetail:
    return JobDetail.model_validate(
        {
            "job_id": "job_1", "number": 1, "experiment_id": f"exp_{'0' * 26}", "name": "x", "state": state,
            "priority": 5, "resources": {}, "commit_sha": COMMIT, "submitted_by": "admin", "attempt": 1,
            "created_at": NOW, "command": ["true"], "timeout_seconds": 60, "retry": {}, **facts,
        }
    )  # fmt: skip


def said(*messages: object, state: str = "succeeded") -> JobDetail:
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    return job(state, stdout="\n".join(lines) + "\n")


def idea(**changes: Any) -> dict[str, Any]:
    return {"event": "idea", "slug": "wider", "content": "make it wider", **changes}


def executed(outcome: object, **facts: Any) -> JobDetail:
    text = outcome if isinstance(outcome, str) else json.dumps(outcome)
    return job(**{"files": {".eden/outcome.json": text}, **facts})


def evaluated(outcome: object, **facts: Any) -> JobDetail:
    text = outcome if isinstance(outcome, str) else json.dumps(outcome)
    return job(**{"files": {".eden/eval-outcome.json": text}, **facts})


def test_ideas_are_read_between_talk_until_done() -> None:
    full = idea(priority=2, parent_commits=[COMMIT])
    outcome = read_ideation(said("ready", {"event": "ready"}, "thinking…", "[1]", idea(), full, DONE, idea()))
    plain = IdeaDraft("wider", 0.0, (), "make it wider")
    assert outcome == IdeasProposed((plain, IdeaDraft("wider", 2.0, (COMMIT,), "make it wider")))


def test_no_idea_is_a_result_too() -> None:
    assert read_ideation(said(DONE)) == IdeasProposed(())


@pytest.mark.parametrize(("slug", "kept"), [("Wider & Deeper!", "wider-deeper"), ("a" * 300, "a" * 100), ("-x-", "x")])
def test_a_slug_is_made_legal(slug: str, kept: str) -> None:
    outcome = read_ideation(said(idea(slug=slug), DONE))
    assert isinstance(outcome, IdeasProposed)
    assert outcome.drafts[0].slug == kept


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"slug": "…"}, "no slug"),
        ({"content": None}, "no content"),
        ({"priority": "high"}, "no number"),
        ({"priority": True}, "no number"),
        ({"parent_commits": ["main"]}, "full commit ids"),
    ],
)
def test_an_ill_formed_idea_fails_the_ideation(fault: dict[str, Any], words: str) -> None:
    outcome = read_ideation(said(idea(**fault), DONE))
    assert isinstance(outcome, IdeationFailed)
    assert words in outcome.reason


def test_an_ideators_own_error_is_its_reason() -> None:
    assert read_ideation(said({"event": "ideation-error", "message": "no key"})) == IdeationFailed("no key")


def test_an_ideator_that_breaks_off_failed() -> None:
    assert read_ideation(said(idea())) == IdeationFailed("the ideator ended without saying ideation-done")
    assert read_ideation(said(idea(), state="timed_out")) == IdeationFailed("the command was stopped after 60 seconds")


def test_the_published_commit_wins_over_the_one_the_outcome_names() -> None:
    outcome = {"status": "success", "commit_sha": OTHER, "description": "wider"}
    assert read_execution(executed(outcome, published_commit=COMMIT)) == Executed(COMMIT, "wider")
    assert read_execution(executed(outcome)) == Executed(OTHER, "wider")
    assert read_execution(executed({"status": "success"}, published_commit=COMMIT)) == Executed(COMMIT, None)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (executed({"status": "error", "description": "cannot"}, published_commit=COMMIT), "cannot"),
        (executed({"status": "success"}), "made no commit"),
        (executed({"status": "success", "commit_sha": "main"}), "made no commit"),
        (executed("{", published_commit=COMMIT), "not JSON"),
        (executed("[]", published_commit=COMMIT), "JSON object"),
        (executed({}, published_commit=COMMIT), "says None"),
        (job(published_commit=COMMIT), "wrote no .eden/outcome.json"),
        (job("failed", exit_code=3), "exit code 3"),
        (executed({"status": "success"}, state="failed", exit_code=3, published_commit=COMMIT), "exit code 3"),
        (job("cancelled"), "cancelled"),
        (job("out_of_memory"), "out of memory"),
        (job("failed", attempts=[{"number": 1, "state": "failed", "detail": "no such program"}]), "no such program"),
    ],
)
def test_an_execution_without_a_usable_commit_failed(ended: JobDetail, words: str) -> None:
    outcome = read_execution(ended)
    assert isinstance(outcome, ExecutionFailed)
    assert words in outcome.reason


def test_metrics_and_their_artifact_are_read() -> None:
    outcome = {"status": "success", "evaluation": {"x": 1, "y": None}, "artifacts_uri": "eden://artifacts/1"}
    assert read_evaluation(evaluated(outcome)) == Evaluated({"x": 1, "y": None}, "eden://artifacts/1")


def test_a_variant_at_fault_may_have_some_metrics() -> None:
    outcome = {"status": "error", "evaluation": {"x": 1}, "description": "diverged"}
    assert read_evaluation(evaluated(outcome)) == VariantFailed("diverged", {"x": 1})
    crashed = evaluated({"status": "error"}, state="failed", exit_code=1)
    assert read_evaluation(crashed) == VariantFailed("the command ended with exit code 1")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (evaluated({"status": "evaluation_error", "message": "no GPU"}), "no GPU"),
        (evaluated({"status": "success"}), "without an evaluation"),
        (evaluated('{"status": "success", "evaluation": {"x": NaN}}'), "NaN"),
        (evaluated('{"status": "success", "evaluation": {"x": 1e999}}'), "too large"),
        (evaluated("[" * 100_000), "not JSON"),
        (evaluated({"status": "success", "evaluation": {}}, state="failed", exit_code=1), "exit code 1"),
        (job("timed_out"), "after 60 seconds"),
        (job(), "wrote no .eden/eval-outcome.json"),
    ],
)
def test_an_evaluation_without_usable_metrics_is_the_evaluators_fault(ended: JobDetail, words: str) -> None:
    outcome = read_evaluation(ended)
    assert isinstance(outcome, EvaluationFailed)
    assert words in outcome.reason
