"""The error tree. Branches follow what the caller does about them.

SwitchyardError
├── Unreachable            no answer: the act may have landed; settle it by reading back
│   └── Unavailable        the server answered that it cannot serve now (5xx, 429)
├── ProtocolBroken         the answer does not have the promised shape
├── NotOffered             this server speaks the protocol alone and has no such thing: hide it
└── Refused                the server said no: nothing was written
    ├── BadRequest 400     ├── ExperimentIdMismatch 400   ├── CheckpointInvalid 400
    ├── Unauthorized 401   ├── Forbidden 403              ├── WorkerNotRegistered 403
    ├── WorkerNotEligible 403                             ├── WrongClaimant 403
    ├── NotFound 404       ├── AlreadyExists 409          ├── IllegalTransition 409
    ├── NotClaimed 409     ├── ConflictingResubmission 409├── InvalidPrecondition 409
    ├── NoOpVariant 409    ├── ReservedIdentifier 409     ├── CycleDetected 409
    ├── ExperimentIdConflict 409                          ├── SpecVersionMismatch 409
    ├── UnsupportedCheckpointVersion 409                  ├── CheckpointInProgress 409
    ├── LeaseHeldByOther 409                              ├── LeaseInstanceMismatch 409
    ├── LeaseNotHeld 410   ├── LeaseExpired 410           ├── PayloadTooLarge 413
    └── InvalidName 422

Every leaf of Refused is one problem type `eden://error/<kebab-name>` (protocol §16).
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

PREFIX = "eden://error/"


class SwitchyardError(Exception):
    """Anything this client or server raises on purpose."""


class Unreachable(SwitchyardError):
    """No usable answer came: the act may or may not have landed."""

    url = ""
    """Which server was silent, once that is known."""
    is_late = False
    """Whether it took the call, and then let the time run out."""


class Unavailable(Unreachable):
    """The server says it cannot serve now; whether the act landed is unknown."""


class ProtocolBroken(SwitchyardError):
    """An answer arrived that does not have the promised shape."""


class NotOffered(SwitchyardError):
    """The server speaks the protocol alone, which has no such thing; nothing was asked of it."""


class Refused(SwitchyardError):
    """The server said no and wrote nothing."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", *, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.problem = dict(problem or {})

    @classmethod
    def type(cls) -> str:
        """The problem type of this class, for example `eden://error/not-found`."""
        return PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class BadRequest(Refused):
    title = "The request is not well formed"


class ExperimentIdMismatch(Refused):
    title = "The experiment header does not match the path"


class CheckpointInvalid(Refused):
    title = "The checkpoint is not valid"


class Unauthorized(Refused):
    status = 401
    title = "A valid credential is needed"


class Forbidden(Refused):
    status = 403
    title = "This credential may not do that"


class WorkerNotRegistered(Refused):
    status = 403
    title = "The worker is not registered in this experiment"


class WorkerNotEligible(Refused):
    status = 403
    title = "The task is meant for another worker"


class WrongClaimant(Refused):
    status = 403
    title = "Another worker holds this task"


class NotFound(Refused):
    status = 404
    title = "Not found"


class AlreadyExists(Refused):
    status = 409
    title = "It exists already"


class IllegalTransition(Refused):
    status = 409
    title = "The state does not allow that"


class NotClaimed(Refused):
    status = 409
    title = "The task is not claimed"


class ConflictingResubmission(Refused):
    status = 409
    title = "A different result was submitted before"


class InvalidPrecondition(Refused):
    status = 409
    title = "Something it depends on is not in the right state"


class NoOpVariant(Refused):
    status = 409
    title = "The commit changes nothing"


class ReservedIdentifier(Refused):
    status = 409
    title = "The name is reserved"


class CycleDetected(Refused):
    status = 409
    title = "The group would contain itself"


class ExperimentIdConflict(Refused):
    status = 409
    title = "An experiment with this id exists already"


class SpecVersionMismatch(Refused):
    status = 409
    title = "The checkpoint was written for another protocol version"


class UnsupportedCheckpointVersion(Refused):
    status = 409
    title = "The checkpoint format is not known"


class CheckpointInProgress(Refused):
    status = 409
    title = "A checkpoint is being written"


class LeaseHeldByOther(Refused):
    status = 409
    title = "Somebody holds the lease"


class LeaseInstanceMismatch(Refused):
    status = 409
    title = "Another instance holds the lease"


class LeaseNotHeld(Refused):
    status = 410
    title = "The lease is no longer held"


class LeaseExpired(Refused):
    status = 410
    title = "The lease has expired"


class PayloadTooLarge(Refused):
    status = 413
    title = "The upload is too large"


class InvalidName(Refused):
    status = 422
    title = "The name is not well formed"


def kinds() -> dict[str, type[Refused]]:
    """Every refusal by its problem type."""
    return {kind.type(): kind for kind in Refused.__subclasses__()}


def to_problem(error: Refused, instance: str) -> dict[str, Any]:
    """The problem+json object of a refusal; `instance` is the request's path."""
    extra = {key: value for key, value in error.problem.items() if key not in {"type", "title", "status", "instance"}}
    return {
        **extra,
        "type": error.type(),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
    }


def from_problem(status: int, problem: Mapping[str, Any]) -> SwitchyardError:
    """The error a non-2xx answer means; unknown types fall back on the status."""
    detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
    if status >= 500 or status in TEMPORARY:
        return Unavailable(detail)
    kind = kinds().get(str(problem.get("type"))) or _BY_STATUS.get(status, BadRequest)
    return kind(detail, problem=problem)


TEMPORARY = frozenset({408, 425, 429})
"""Statuses below 500 by which a proxy says: not now."""
_BY_STATUS: Mapping[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: IllegalTransition,
    410: LeaseNotHeld,
    413: PayloadTooLarge,
    422: InvalidName,
}
