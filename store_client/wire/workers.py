"""Workers and groups, and the exchange that gives a person or a host its identity in an experiment."""

from typing import Literal

from pydantic import Field

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ActorId, ExperimentId, GroupId, MemberId, NonEmpty, Text, Timestamp, WorkerId

ExperimentRole = Literal["viewer", "operator", "administrator"]
OperatorRole = Literal["member", "viewer", "operator", "administrator"]
"""What a person is in the deployment; a member is nothing there, and sees only the experiments of their roles."""
UPWARDS: tuple[OperatorRole, ...] = ("member", "viewer", "operator", "administrator")


class Worker(Record):
    worker_id: WorkerId
    name: str | None = None
    experiment_id: ExperimentId | None = Field(default=None, description="absent in the deployment's registry")
    registered_at: Timestamp
    registered_by: ActorId | None = None
    labels: dict[str, str] | None = None


class RegisteredWorker(Worker):
    """A worker with its secret, which leaves the server once."""

    registration_token: NonEmpty


class WorkerDetail(Worker):
    """A worker as the admin page shows it."""

    last_seen_at: Timestamp | None = None
    disabled_at: Timestamp | None = Field(default=None, description="since when none of its credentials is taken")
    is_service: bool = Field(default=False, description="one of the deployment's own, which cannot be disabled")
    groups: tuple[str, ...] = ()
    groups_beyond: tuple[str, ...] = Field(
        default=(), description="those that hold it through other groups; told where one worker is asked for"
    )
    open_claims: int = 0


class RegisterWorker(Body):
    name: str | None = None
    labels: dict[str, Text] | None = None


class WorkerList(Record):
    workers: tuple[Worker, ...]


class WorkerDetailList(Record):
    workers: tuple[WorkerDetail, ...]
    next: str | None = Field(default=None, description="where the next page begins, where a limit was given")
    total: int | None = Field(default=None, description="how many there are like this, where a limit was given")
    is_more: bool = Field(default=False, description="whether the total is only how far was counted")


class Whoami(Record):
    worker_id: WorkerId
    name: str | None = None


class Group(Record):
    group_id: GroupId
    name: str | None = None
    experiment_id: ExperimentId | None = None
    members: tuple[MemberId, ...]
    created_at: Timestamp
    created_by: ActorId | None = None


class GroupList(Record):
    groups: tuple[Group, ...]


class RegisterGroup(Body):
    name: str | None = None
    members: tuple[MemberId, ...] = ()


class AddMember(Body):
    member_id: MemberId


class Exchange(Body):
    """Ask for an identity: of the session's operator (consoles only) or of the calling deployment worker."""

    session: NonEmpty | None = None
    experiment_id: ExperimentId | None = Field(default=None, description="absent: an identity in the deployment")


def higher_role(in_deployment: OperatorRole, in_experiment: ExperimentRole | None) -> OperatorRole:
    """What a person is in an experiment; `member` is nobody there."""
    return max((in_deployment, in_experiment or "member"), key=UPWARDS.index)


class Exchanged(Record):
    worker_id: WorkerId
    token: NonEmpty = Field(description="short-lived bearer secret")
    expires_at: Timestamp
    name: str
    role: OperatorRole | Literal["worker"] = Field(description="in the experiment, where one was named")
    experiments: dict[ExperimentId, ExperimentRole] = Field(
        default_factory=dict, description="where none was named: a person's roles in experiments"
    )


class SignIn(Body):
    """A one-time sign-in code (from the link) traded for a session; consoles only."""

    code: NonEmpty
    browser: str | None = Field(default=None, max_length=300, description="what the browser says that it is")


class Session(Record):
    session: NonEmpty = Field(description="secret of the session; only a console may exchange it")
    operator_id: WorkerId
    name: str
    role: OperatorRole
    expires_at: Timestamp


class EndSession(Body):
    session: NonEmpty


class SignInCode(Record):
    code: NonEmpty
    expires_at: Timestamp


class GitPassword(Record):
    """A password for git, good for one claim and shown once."""

    username: WorkerId
    password: NonEmpty
    branch_prefix: NonEmpty
    expires_at: Timestamp
