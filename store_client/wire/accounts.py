"""People and their accounts: roles, invitations, sessions and passwords."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from store_client.wire.record import Body, Record
from store_client.wire.scalars import ActorId, ExperimentId, NonEmpty, Text, Timestamp, WorkerId
from store_client.wire.workers import ExperimentRole, OperatorRole

SignInWay = Literal["link", "password", "invitation", "provider"]


def _no_surrogates(password: str) -> str:
    password.encode()  # a lone surrogate is no character
    return password


Password = Annotated[str, StringConstraints(min_length=10, max_length=200), AfterValidator(_no_surrogates)]
"""At least ten characters; what they are is left to whoever chooses it."""
Tried = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_surrogates)]
"""A password as somebody typed it to prove who they are."""
Browser = Annotated[str, StringConstraints(max_length=300)]
Address = Annotated[str, StringConstraints(max_length=100)]
Printable = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$")]
Code = Annotated[NonEmpty, StringConstraints(max_length=200)]


class RoleInExperiment(Record):
    experiment_id: ExperimentId
    name: str | None = Field(default=None, description="of the experiment; absent where it is not hosted here")
    role: ExperimentRole


class OperatorDetail(Record):
    """A person who signs in, as administrators and they themselves see it."""

    operator_id: WorkerId
    name: str
    sign_in_name: str | None = Field(default=None, description="e-mail address or short name, for the password form")
    role: OperatorRole = Field(description="in the deployment; a member has none and sees only their experiments")
    experiments: tuple[RoleInExperiment, ...] = Field(default=(), description="the higher of both roles counts there")
    has_password: bool
    has_provider: bool = Field(default=False, description="whether the OpenID Connect provider vouched for them")
    is_disabled: bool = False
    created_at: Timestamp
    last_seen_at: Timestamp | None = None
    sessions: int = Field(default=0, description="how many browsers are signed in")


class OperatorList(Record):
    operators: tuple[OperatorDetail, ...]


class ChangeOperator(Body):
    """What is left out stays as it is."""

    name: Text | None = None
    sign_in_name: Text | None = None
    role: OperatorRole | None = None


class GrantRole(Body):
    role: ExperimentRole


class Invite(Body):
    """A new person; they choose their password themselves, behind the link."""

    name: Text
    sign_in_name: Text = Field(description="e-mail address or short name")
    role: OperatorRole = "viewer"
    experiments: dict[ExperimentId, ExperimentRole] = Field(default_factory=dict)


class Invitation(Record):
    """A link that somebody has and has not used yet."""

    invitation_id: NonEmpty
    purpose: Literal["invitation", "reset"]
    operator_id: WorkerId | None = Field(default=None, description="whose password is to be set anew")
    name: str
    sign_in_name: str
    role: OperatorRole
    experiments: dict[ExperimentId, ExperimentRole] = Field(default_factory=dict)
    created_at: Timestamp
    created_by: ActorId
    expires_at: Timestamp


class NewInvitation(Invitation):
    code: Code = Field(repr=False, description="the secret of the link; it leaves the server once")


class InvitationList(Record):
    invitations: tuple[Invitation, ...]


class LookAtInvitation(Body):
    code: Code = Field(repr=False)


class AcceptInvitation(Body):
    """Consoles only: the person behind a link has chosen a password."""

    code: Code = Field(repr=False)
    password: Password = Field(repr=False)
    browser: Browser | None = None


class SignInWithPassword(Body):
    """Consoles only: what somebody typed, and where from."""

    sign_in_name: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    password: Tried = Field(repr=False)
    browser: Browser | None = None
    address: Address | None = None


class Departure(Record):
    """Where a browser goes to be vouched for, and what its console keeps until it is back."""

    url: NonEmpty = Field(description="the provider's page")
    ticket: NonEmpty = Field(repr=False, description="for this browser alone; good for one arrival")
    expires_at: Timestamp


class SignInWithProvider(Body):
    """Consoles only: what a browser brought back from the OpenID Connect provider, and the ticket it left with."""

    code: Printable = Field(repr=False)
    state: Printable
    ticket: Printable = Field(repr=False)
    issuer: Printable | None = Field(default=None, description="as the provider named itself (RFC 9207)")
    invitation: Code | None = Field(default=None, repr=False, description="the secret of a link, which is used up")
    browser: Browser | None = None


class LinkProvider(Body):
    """What a browser brought back for somebody who is signed in already, and the ticket it left with."""

    code: Printable = Field(repr=False)
    state: Printable
    ticket: Printable = Field(repr=False)
    issuer: Printable | None = Field(default=None, description="as the provider named itself (RFC 9207)")
    current: Tried | None = Field(default=None, repr=False, description="the password, of whoever has one")


class ChangePassword(Body):
    password: Password = Field(repr=False)
    current: Tried | None = Field(default=None, repr=False, description="needed by whoever has one")
    sign_in_name: Text | None = Field(default=None, description="needed by whoever has none yet")


class SessionLine(Record):
    """Where somebody is signed in; nothing here lets anybody in."""

    session_id: NonEmpty
    way: SignInWay
    browser: str | None = None
    created_at: Timestamp
    last_seen_at: Timestamp | None = None
    expires_at: Timestamp
    is_this: bool = Field(default=False, description="whether it is the one that asks")


class SessionLineList(Record):
    sessions: tuple[SessionLine, ...]


class EndedSessions(Record):
    ended: int
