"""Tasks: create, claim, renew, submit, decide."""

from typing import Any, Unpack

from store_client.resources.resource import Resource
from store_client.wire.calls import tasks as calls
from store_client.wire.record import Record
from store_client.wire.stages import Stages
from store_client.wire.tasks import (
    Claim,
    ClaimTask,
    ClosedTarget,
    CreateTask,
    ReassignTask,
    ReclaimCause,
    ReclaimTask,
    RejectReason,
    RejectTask,
    RenewClaim,
    SubmitTask,
    Target,
    Task,
    TaskDetail,
    TaskKind,
    TaskPage,
    TaskState,
)
from store_client.wire.workers import GitPassword


class Tasks(Resource):
    """Calls about the tasks of one experiment."""

    async def create_task(self, body: CreateTask) -> Task:
        answer: Task = await self._send(calls.CREATE_TASK, body)
        return answer

    async def list_tasks(self, kind: TaskKind | None = None, state: TaskState | None = None) -> tuple[Task, ...]:
        answer: tuple[Task, ...] = await self._send(calls.LIST_TASKS, query=calls.TaskFilter(kind=kind, state=state))
        return answer

    async def read_task(self, task_id: str) -> Task:
        answer: Task = await self._send(calls.READ_TASK, task_id=task_id)
        return answer

    async def read_submission(self, task_id: str) -> dict[str, Any]:
        """The payload that was submitted; some servers tell it inside an object about the submission."""
        answer: dict[str, Any] = await self._send(calls.READ_SUBMISSION, task_id=task_id)
        inner = answer.get("payload")
        return inner if isinstance(inner, dict) and "status" in inner else answer

    async def claim_task(self, task_id: str, expires_at: str | None = None) -> Claim:
        """Claim a pending task; not safe to repeat: after Unreachable read the task."""
        answer: Claim = await self._send(calls.CLAIM_TASK, ClaimTask(expires_at=expires_at), task_id=task_id)
        return answer

    async def submit_task(self, task_id: str, result: Record) -> None:
        """Submit a result record; an equivalent repetition changes nothing."""
        await self._send(calls.SUBMIT_TASK, SubmitTask(payload=result.to_wire()), task_id=task_id)

    async def accept_task(self, task_id: str) -> None:
        await self._send(calls.ACCEPT_TASK, task_id=task_id)

    async def reject_task(self, task_id: str, reason: RejectReason) -> None:
        await self._send(calls.REJECT_TASK, RejectTask(reason=reason), task_id=task_id)

    async def reclaim_task(self, task_id: str, cause: ReclaimCause) -> None:
        await self._send(calls.RECLAIM_TASK, ReclaimTask(cause=cause), task_id=task_id)

    async def reassign_task(self, task_id: str, new_target: Target | None, reason: str) -> Task:
        target = ClosedTarget(kind=new_target.kind, id=new_target.id) if new_target else None
        answer: Task = await self._send(
            calls.REASSIGN_TASK, ReassignTask(new_target=target, reason=reason), task_id=task_id
        )
        return answer

    async def list_task_page(
        self,
        kind: TaskKind | None = None,
        state: TaskState | None = None,
        claimed_by: str | None = None,
        **view: Unpack[calls.TaskView],
    ) -> TaskPage:
        """One page of tasks, by priority unless `view` says otherwise; `claimed_by` is a worker id or 'me'."""
        query = calls.TaskPageQuery(kind=kind, state=state, claimed_by=claimed_by, **view)
        answer: TaskPage = await self._send(calls.LIST_TASK_PAGE, query=query)
        return answer

    async def read_task_detail(self, task_id: str) -> TaskDetail:
        answer: TaskDetail = await self._send(calls.READ_TASK_DETAIL, task_id=task_id)
        return answer

    async def renew_claim(self, task_id: str, seconds: float) -> Claim:
        answer: Claim = await self._send(calls.RENEW_CLAIM, RenewClaim(seconds=seconds), task_id=task_id)
        return answer

    async def release_claim(self, task_id: str) -> Task:
        answer: Task = await self._send(calls.RELEASE_CLAIM, task_id=task_id)
        return answer

    async def git_password(self, task_id: str) -> GitPassword:
        """A password for git, good for one's own claim of this task."""
        answer: GitPassword = await self._send(calls.GIT_PASSWORD, task_id=task_id)
        return answer

    async def read_stages(self) -> Stages:
        """What waits at each stage and since when, and what is stuck."""
        answer: Stages = await self._send(calls.READ_STAGES)
        return answer
