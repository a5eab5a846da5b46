"""What an ended job says: ideas, a commit, metrics, or why there are none."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from store_client.roles.orders import EVALUATION_OUTCOME, OUTCOME
from store_client.wire.jobs import JobDetail, JobState
from store_client.wire.scalars import COMMIT, URI

MAX_SLUG = 100
MAX_DRAFTS = 200


@dataclass(frozen=True)
class IdeaDraft:
    """An idea as an ideator proposed it; without parents it builds on the base commit."""

    slug: str
    priority: float
    parent_commits: tuple[str, ...]
    content: str
    artifacts_uri: str | None = None


@dataclass(frozen=True)
class IdeasProposed:
    drafts: tuple[IdeaDraft, ...]


@dataclass(frozen=True)
class IdeationFailed:
    reason: str


@dataclass(frozen=True)
class Executed:
    commit_sha: str
    description: str | None = None


@dataclass(frozen=True)
class ExecutionFailed:
    reason: str
    is_crash: bool = False
    """The command itself broke: it ended by itself and left no word."""


@dataclass(frozen=True)
class Evaluated:
    evaluation: dict[str, Any]
    artifacts_uri: str | None = None


@dataclass(frozen=True)
class VariantFailed:
    """The variant's fault: it cannot be measured, or only in part."""

    reason: str
    evaluation: dict[str, Any] | None = None
    artifacts_uri: str | None = None


@dataclass(frozen=True)
class EvaluationFailed:
    """The evaluator's own fault: the variant may be measured again."""

    reason: str


IdeationOutcome = IdeasProposed | IdeationFailed
ExecutionOutcome = Executed | ExecutionFailed
EvaluationOutcome = Evaluated | VariantFailed | EvaluationFailed


class _Odd(ValueError):
    """What the command wrote is not what it should have written."""


def read_ideation(job: JobDetail) -> IdeationOutcome:
    """The ideas of an ended ideation job; lines that are no JSON object are talk and are passed over."""
    drafts: list[IdeaDraft] = []
    for message in _messages(job.stdout or ""):
        match message.get("event"):
            case "idea":
                try:
                    drafts.append(_draft(message))
                except _Odd as error:
                    return IdeationFailed(f"idea {len(drafts) + 1}: {error}")
            case "ideation-done":
                return IdeasProposed(tuple(drafts[:MAX_DRAFTS]))
            case "ideation-error":
                return IdeationFailed(str(message.get("message") or message.get("reason") or "the ideator gave up"))
    return IdeationFailed(_fault(job) or "the ideator ended without saying ideation-done")


def read_execution(job: JobDetail) -> ExecutionOutcome:
    """The commit of an ended execution job: the one published, else the one that its outcome names."""
    fault = _fault(job)
    try:
        outcome = _read(job, OUTCOME)
    except _Odd as error:
        was_stopped = job.state in {JobState.TIMED_OUT, JobState.OUT_OF_MEMORY, JobState.CANCELLED}
        return ExecutionFailed(fault or str(error), is_crash=not was_stopped)
    description = _text(outcome.get("description"))
    if fault or outcome.get("status") != "success":
        return ExecutionFailed(description or fault or f"the executor says {outcome.get('status')}")
    commit = job.published_commit or outcome.get("commit_sha")
    if not isinstance(commit, str) or COMMIT.fullmatch(commit) is None:
        return ExecutionFailed("the executor reported success but made no commit")
    return Executed(commit, description)


def read_evaluation(job: JobDetail) -> EvaluationOutcome:
    """The metrics of an ended evaluation job."""
    fault = _fault(job)
    try:
        outcome = _read(job, EVALUATION_OUTCOME)
    except _Odd as error:
        return EvaluationFailed(fault or str(error))
    evaluation, uri = outcome.get("evaluation"), _uri(outcome.get("artifacts_uri"))
    reason = _text(outcome.get("description")) or _text(outcome.get("message")) or fault
    match outcome.get("status"):
        case "error":
            partial = evaluation if isinstance(evaluation, dict) and evaluation else None
            return VariantFailed(reason or "the evaluator found the variant at fault", partial, uri)
        case "success" if not fault and isinstance(evaluation, dict):
            return Evaluated(evaluation, uri)
        case "success":
            return EvaluationFailed(fault or "the evaluator reported success without an evaluation")
        case status:
            return EvaluationFailed(reason or f"the evaluator says {status}")


def _fault(job: JobDetail) -> str | None:
    """Why the job itself failed, in a sentence, or None."""
    detail = next((attempt.detail for attempt in reversed(job.attempts) if attempt.detail), None)
    match job.state:
        case JobState.SUCCEEDED:
            return None
        case JobState.TIMED_OUT:
            return f"the command was stopped after {job.timeout_seconds:g} seconds"
        case JobState.CANCELLED:
            return "the job was cancelled"
        case JobState.FAILED if job.exit_code is not None:
            return f"the command ended with exit code {job.exit_code}"
        case state:
            return detail or f"the job ended as {state.value.replace('_', ' ')}"


def _messages(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        try:
            message = _loads(line)
        except _Odd:
            continue
        if isinstance(message, dict):
            yield message


def _draft(message: Mapping[str, Any]) -> IdeaDraft:
    slug = re.sub(r"[^a-z0-9]+", "-", str(message.get("slug") or "").lower()).strip("-")[:MAX_SLUG].strip("-")
    if not slug:
        raise _Odd("it has no slug")
    content, uri = message.get("content"), _uri(message.get("artifacts_uri"))
    if not isinstance(content, str) and uri is None:
        raise _Odd(f"{slug} has no content")
    return IdeaDraft(
        slug, _priority(message.get("priority")), _commits(message.get("parent_commits")), content or "", uri
    )


def _priority(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Odd(f"the priority {value!r} is no number")
    return float(value)


def _commits(value: Any) -> tuple[str, ...]:
    commits = value or []
    if not isinstance(commits, list) or not all(isinstance(sha, str) and COMMIT.fullmatch(sha) for sha in commits):
        raise _Odd("parent_commits must be a list of full commit ids")
    return tuple(commits)


def _read(job: JobDetail, path: str) -> Mapping[str, Any]:
    if path not in job.files:
        raise _Odd(f"the command wrote no {path}")
    try:
        outcome = _loads(job.files[path])
    except _Odd as error:
        raise _Odd(f"{path}: {error}") from error
    if not isinstance(outcome, dict):
        raise _Odd(f"{path} does not hold a JSON object")
    return outcome


def _loads(text: str) -> Any:
    """Strict JSON: no NaN, no Infinity, no number too large to keep, no half of a character."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _Odd(f"not JSON: {error}") from error
    return value


def _refuse(constant: str) -> None:
    raise _Odd(f"{constant} is not a number in JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Odd(f"{digits} is too large a number")
    return number


def _text(value: Any) -> str | None:
    return value.replace("\x00", "") if isinstance(value, str) and value.strip() else None


def _uri(value: Any) -> str | None:
    return value if isinstance(value, str) and URI.fullmatch(value) else None
