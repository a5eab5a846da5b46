"""Calls about tasks (protocol §4) and their desks."""

from typing import Literal, TypedDict

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.scalars import Timestamp
from store_client.wire.stages import Stages
from store_client.wire.tasks import (
    Claim,
    ClaimTask,
    CreateTask,
    ReassignTask,
    ReclaimTask,
    RejectTask,
    RenewClaim,
    SubmitTask,
    Task,
    TaskDetail,
    TaskKind,
    TaskPage,
    TaskState,
)
from store_client.wire.workers import GitPassword

P = "/v0/experiments/{experiment_id}/tasks"
A = "/api/experiments/{experiment_id}/tasks"


class TaskFilter(Query):
    kind: TaskKind | None = None
    state: TaskState | None = None


class TaskView(TypedDict, total=False):
    """Which page of tasks, in which order, and what it leaves out."""

    after: str | None
    limit: int
    sort: Literal["priority", "age"]
    direction: Literal["asc", "desc"] | None
    eligible: bool
    target: Literal["targeted", "untargeted"] | None
    submitted_by: str | None
    since: str | None
    until: str | None
    q: str | None


def words_of(q: str | None) -> tuple[str, ...]:
    """The words that are looked for in names of tasks, in the case that names have."""
    return tuple((q or "").lower().split())


class TaskPageQuery(PageQuery):
    kind: TaskKind | None = None
    state: TaskState | None = None
    claimed_by: str | None = Field(default=None, description="worker id, or 'me'")
    sort: Literal["priority", "age"] = "priority"
    direction: Literal["asc", "desc"] | None = Field(
        default=None, description="default: the highest priority first, or the oldest"
    )
    eligible: bool = Field(default=False, description="only what the caller may claim, or nobody knows whether")
    target: Literal["targeted", "untargeted"] | None = None
    submitted_by: str | None = Field(default=None, description="who handed it in: worker id, or 'me'")
    since: Timestamp | None = Field(default=None, description="created then or later")
    until: Timestamp | None = Field(default=None, description="created then or sooner")
    q: str | None = Field(default=None, max_length=300, description="words; the name of what it is about has them all")

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are looked for."""
        return words_of(self.q)

    @property
    def is_by_age(self) -> bool:
        """Whether tasks come in the order of their creation: the newest first, where it was not asked for by name."""
        return self.sort == "age" or any((self.submitted_by, self.since, self.until))

    @property
    def is_rising(self) -> bool:
        """Whether the lowest priority, or the oldest, comes first."""
        return (self.direction or ("asc" if self.sort == "age" else "desc")) == "asc"

    @property
    def is_picky(self) -> bool:
        """Whether tasks are left out that no index tells apart: then a page looks at so many, and may be short."""
        return self.eligible or self.target is not None or bool(self.words)


CREATE_TASK = Call("create_task", "POST", P, Who.ADMINS_OR_ORCHESTRATORS, "Create a task", body=CreateTask, answer=Task)
LIST_TASKS = Call("list_tasks", "GET", P, Who.EITHER, "List tasks", query=TaskFilter, answer=tuple[Task, ...])
READ_TASK = Call("read_task", "GET", P + "/{task_id}", Who.EITHER, "Read a task", answer=Task)
READ_SUBMISSION = Call(
    "read_submission", "GET", P + "/{task_id}/submission", Who.EITHER, "Read what was submitted", answer=dict
)
CLAIM_TASK = Call(
    "claim_task", "POST", P + "/{task_id}/claim", Who.WORKER, "Claim a pending task",
    body=ClaimTask, answer=Claim, body_is_optional=True,
)  # fmt: skip
SUBMIT_TASK = Call(
    "submit_task", "POST", P + "/{task_id}/submit", Who.WORKER, "Submit a result", body=SubmitTask,
    is_safe_to_repeat=True,
)  # fmt: skip
ACCEPT_TASK = Call("accept_task", "POST", P + "/{task_id}/accept", Who.ORCHESTRATORS, "Accept a result")
REJECT_TASK = Call(
    "reject_task", "POST", P + "/{task_id}/reject", Who.ORCHESTRATORS, "Reject a result", body=RejectTask
)
RECLAIM_TASK = Call("reclaim_task", "POST", P + "/{task_id}/reclaim", Who.WORKER, "Take a claim away", body=ReclaimTask)
REASSIGN_TASK = Call(
    "reassign_task", "POST", P + "/{task_id}/reassign", Who.ADMINS, "Give a task to somebody else",
    body=ReassignTask, answer=Task,
)  # fmt: skip

LIST_TASK_PAGE = Call(
    "list_task_page", "GET", A, Who.EITHER, "Page through tasks, by priority", query=TaskPageQuery, answer=TaskPage
)
READ_TASK_DETAIL = Call(
    "read_task_detail", "GET", A + "/{task_id}", Who.EITHER, "Read a task with its names", answer=TaskDetail
)
RENEW_CLAIM = Call(
    "renew_claim", "POST", A + "/{task_id}/renew", Who.WORKER, "Keep one's own claim longer",
    body=RenewClaim, answer=Claim, is_safe_to_repeat=True,
)  # fmt: skip
RELEASE_CLAIM = Call(
    "release_claim", "POST", A + "/{task_id}/release", Who.WORKER, "Give one's own claim back", answer=Task
)
GIT_PASSWORD = Call(
    "git_password", "POST", A + "/{task_id}/git-password", Who.WORKER,
    "A password for git, good for one's own claim of this task and shown once", answer=GitPassword,
)  # fmt: skip

READ_STAGES = Call(
    "read_stages", "GET", "/api/experiments/{experiment_id}/stages", Who.EITHER,
    "What waits at each stage and since when, and what is stuck", answer=Stages,
)  # fmt: skip
CALLS = (
    CREATE_TASK, LIST_TASKS, READ_TASK, READ_SUBMISSION, CLAIM_TASK, SUBMIT_TASK, ACCEPT_TASK, REJECT_TASK,
    RECLAIM_TASK, REASSIGN_TASK, LIST_TASK_PAGE, READ_TASK_DETAIL, RENEW_CLAIM, RELEASE_CLAIM, GIT_PASSWORD,
    READ_STAGES,
)  # fmt: skip
