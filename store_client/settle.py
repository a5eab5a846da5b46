"""Uncertainty settled where it is born: acts repeated or read back until their fate is known (protocol §4.10, §5.8).

| act                     | after a silence                                                                            |
|-------------------------|--------------------------------------------------------------------------------------------|
| submit, integrate       | the transport does it again; then, and after a refusal, the stored result is read          |
| deposit                 | the transport does it again; another copy does no harm                                     |
| claim                   | the task is read: the claim is there, or it is not                                         |
| accept, reject, reclaim | the task is read: done, or gone elsewhere, or as before, and only then it is done again    |
| create with an id       | what has the id is read: the same has been created; else, where nothing has it, again      |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store_client.client import StoreClient
from store_client.errors import (
    ConflictingResubmission,
    IllegalTransition,
    NotClaimed,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    WorkerNotEligible,
    WrongClaimant,
)
from store_client.wire.tasks import (
    Claim,
    EvaluationResult,
    ExecutionResult,
    IdeationResult,
    Task,
    TaskState,
)

Result = IdeationResult | ExecutionResult | EvaluationResult
GONE = "the task went back to the others before the result arrived"
COMPARED = ("status", "variant_id", "commit_sha", "evaluation", "idea_ids")
"""What two equivalent submissions agree on (protocol §4.4); artifacts never count."""


@dataclass(frozen=True)
class Landed:
    """The result is stored."""


@dataclass(frozen=True)
class Lost:
    """The task is no longer the caller's: nothing of this result was kept."""

    reason: str


@dataclass(frozen=True)
class Conflicting:
    """The caller submitted another result before, and that one stands."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """The server fell silent; the result may be stored. Submitting it again is safe."""

    reason: str


@dataclass(frozen=True)
class Corrupt:
    """The variant is integrated as another commit: nothing may be overwritten, somebody has to look."""

    reason: str


Settled = Landed | Lost | Conflicting | Unknown
Integration = Landed | Corrupt | Unknown


async def settle_submission(store: StoreClient, task_id: str, result: Result) -> Settled:
    """Submit a result, through silence if need be. A refusal of the result itself is raised."""
    try:
        await store.submit_task(task_id, result)
    except ConflictingResubmission as error:
        return Conflicting(error.detail)
    except (NotClaimed, WrongClaimant, IllegalTransition) as error:
        return await _read_back(store, task_id, result, Lost(error.detail))
    except Unreachable as error:
        return await _read_back(store, task_id, result, Unknown(str(error)))
    return Landed()


async def settle_claim(store: StoreClient, task_id: str, expires_at: str | None = None) -> Claim | None:
    """The caller's claim of a task, or None when it is not to be had: somebody was faster, or it is for others."""
    try:
        return await store.claim_task(task_id, expires_at)
    except (IllegalTransition, WorkerNotEligible, NotFound):
        return None
    except Unreachable:
        task = await store.read_task(task_id)
        return task.claim if task.claim and task.claim.worker_id == await _caller(store) else None


async def settle_integration(store: StoreClient, variant_id: str, variant_commit_sha: str) -> Integration:
    """Record a canonical commit. Nothing but what the variant says afterwards tells that it did not land."""
    try:
        await store.integrate_variant(variant_id, variant_commit_sha)
    except (Refused, Unreachable) as error:
        try:
            stored = (await store.read_variant(variant_id)).variant_commit_sha
        except (Refused, Unreachable) as silence:
            return Unknown(str(silence))
        if stored is None:
            return Unknown(str(error))
        return Landed() if stored == variant_commit_sha else Corrupt(f"{variant_id} is integrated as {stored}")
    return Landed()


async def _read_back(store: StoreClient, task_id: str, result: Result, otherwise: Lost | Unknown) -> Settled:
    """Landed when the stored result is this one and the caller's: an earlier, unanswered attempt did it."""
    caller = await _caller(store)
    try:
        task = await store.read_task(task_id)
        if _is_gone(task, caller):
            return otherwise if isinstance(otherwise, Lost) else Lost(GONE)
        stored = await store.read_submission(task_id)
    except Unauthorized:
        raise
    except Refused:
        return otherwise
    except Unreachable as error:
        return Unknown(str(error))
    owner = task.submitted_by or (task.claim.worker_id if task.claim else None)
    if owner not in {None, caller}:  # a server need not tell who submitted
        return otherwise
    if are_equivalent(stored, result.to_wire()):
        return Landed()
    return Conflicting("another result was stored before") if owner else otherwise


def _is_gone(task: Task, caller: str) -> bool:
    """Whether the task waits again or somebody else holds it: then what of the caller's is on its way is refused."""
    is_held = task.state is TaskState.CLAIMED and task.claim is not None
    return task.state is TaskState.PENDING or bool(is_held and task.claim and task.claim.worker_id != caller)


async def _caller(store: StoreClient) -> str:
    return (await store.bearer.current()).partition(":")[0]


def are_equivalent(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two payloads say the same, as the protocol compares them."""
    return all(is_same(_part(first, key), _part(second, key)) for key in COMPARED)


def _part(payload: Mapping[str, Any], key: str) -> Any:
    value = payload.get(key)
    return sorted(set(value)) if key == "idea_ids" and value is not None else value


def is_same(first: Any, second: Any) -> bool:
    """Equality of JSON values: numbers by value, and never a boolean for a number."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(is_same(first[key], second[key]) for key in first)
    if isinstance(first, Sequence) and isinstance(second, Sequence) and not isinstance(first, str):
        return len(first) == len(second) and all(map(is_same, first, second))
    return bool(first == second)
