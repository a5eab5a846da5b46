"""Calls about people: their accounts, invitations and sessions."""

from store_client.wire.accounts import (
    AcceptInvitation,
    ChangeOperator,
    ChangePassword,
    Departure,
    EndedSessions,
    GrantRole,
    Invitation,
    InvitationList,
    Invite,
    LinkProvider,
    LookAtInvitation,
    NewInvitation,
    OperatorDetail,
    OperatorList,
    SessionLineList,
    SignInWithPassword,
    SignInWithProvider,
)
from store_client.wire.call import Call, Who
from store_client.wire.workers import Session

PEOPLE = "/api/operators"
ONE = PEOPLE + "/{operator_id}"
LINKS = "/api/invitations"
ME = "/api/account"

SIGN_IN_WITH_PASSWORD = Call(
    "sign_in_with_password", "POST", "/api/sessions/password", Who.ADMIN_OR_CONSOLES,
    "Trade a sign-in name and a password for a session", body=SignInWithPassword, answer=Session, status=201,
)  # fmt: skip
SET_OUT_TO_PROVIDER = Call(
    "set_out_to_provider", "POST", "/api/sessions/provider/begin", Who.ADMIN_OR_CONSOLES,
    "Where a browser goes to be vouched for by the OpenID Connect provider; nothing is written", answer=Departure,
    is_safe_to_repeat=True,
)  # fmt: skip
SIGN_IN_WITH_PROVIDER = Call(
    "sign_in_with_provider", "POST", "/api/sessions/provider", Who.ADMIN_OR_CONSOLES,
    "Trade what the provider sent back for a session, once; with an invitation, join", body=SignInWithProvider,
    answer=Session, status=201,
)  # fmt: skip
LOOK_AT_INVITATION = Call(
    "look_at_invitation", "POST", LINKS + "/look", Who.ADMIN_OR_CONSOLES,
    "Whom an invitation's link is for; it is not used up", body=LookAtInvitation, answer=Invitation,
)  # fmt: skip
ACCEPT_INVITATION = Call(
    "accept_invitation", "POST", LINKS + "/accept", Who.ADMIN_OR_CONSOLES,
    "Set the password behind an invitation's link, once, and sign in", body=AcceptInvitation, answer=Session,
    status=201,
)  # fmt: skip

READ_ACCOUNT = Call("read_account", "GET", ME, Who.PERSON, "Who one is", answer=OperatorDetail)
CHANGE_PASSWORD = Call(
    "change_password", "POST", ME + "/password", Who.PERSON,
    "Change one's password; every other session ends", body=ChangePassword, status=204,
)  # fmt: skip
LINK_PROVIDER = Call(
    "link_provider", "POST", ME + "/provider", Who.PERSON,
    "Have the OpenID Connect provider vouch for oneself from now on", body=LinkProvider, answer=OperatorDetail,
)  # fmt: skip
UNLINK_PROVIDER = Call(
    "unlink_provider", "DELETE", ME + "/provider", Who.PERSON,
    "Have the provider vouch for oneself no more; whoever has a password may", answer=OperatorDetail,
    is_safe_to_repeat=True,
)  # fmt: skip
LIST_OWN_SESSIONS = Call(
    "list_own_sessions", "GET", ME + "/sessions", Who.PERSON, "Where one is signed in", answer=SessionLineList
)
END_OWN_SESSION = Call(
    "end_own_session", "POST", ME + "/sessions/{session_id}/end", Who.PERSON, "End one of one's sessions", status=204
)
END_OWN_SESSIONS = Call(
    "end_own_sessions", "POST", ME + "/sessions/end", Who.PERSON, "Sign out everywhere, here too", answer=EndedSessions
)

LIST_OPERATORS = Call(
    "list_operators", "GET", PEOPLE, Who.ADMIN_OR_ADMINS, "List the people who sign in", answer=OperatorList
)
READ_OPERATOR = Call("read_operator", "GET", ONE, Who.ADMIN_OR_ADMINS, "Read a person", answer=OperatorDetail)
CHANGE_OPERATOR = Call(
    "change_operator", "PATCH", ONE, Who.ADMIN_OR_ADMINS, "Change a person's name, sign-in name or role",
    body=ChangeOperator, answer=OperatorDetail,
)  # fmt: skip
GRANT_ROLE = Call(
    "grant_role", "PUT", ONE + "/experiments/{of}", Who.ADMIN_OR_ADMINS, "Give a person a role in an experiment",
    body=GrantRole, answer=OperatorDetail, is_safe_to_repeat=True,
)  # fmt: skip
WITHDRAW_ROLE = Call(
    "withdraw_role", "DELETE", ONE + "/experiments/{of}", Who.ADMIN_OR_ADMINS,
    "Take a person's role in an experiment", answer=OperatorDetail, is_safe_to_repeat=True,
)  # fmt: skip
LIST_SESSIONS = Call(
    "list_sessions", "GET", ONE + "/sessions", Who.ADMIN_OR_ADMINS, "Where a person is signed in",
    answer=SessionLineList,
)  # fmt: skip
REVOKE_SESSION = Call(
    "revoke_session", "POST", ONE + "/sessions/{session_id}/end", Who.ADMIN_OR_ADMINS, "End a person's session",
    status=204,
)  # fmt: skip
REVOKE_SESSIONS = Call(
    "revoke_sessions", "POST", ONE + "/sessions/end", Who.ADMIN_OR_ADMINS, "Sign a person out everywhere",
    answer=EndedSessions,
)  # fmt: skip
RESET_PASSWORD = Call(
    "reset_password", "POST", ONE + "/reset", Who.ADMIN_OR_ADMINS,
    "A link with which a person chooses a new password, once", answer=NewInvitation, status=201,
)  # fmt: skip
INVITE = Call(
    "invite", "POST", LINKS, Who.ADMIN_OR_ADMINS, "A link with which a new person joins, once",
    body=Invite, answer=NewInvitation, status=201,
)  # fmt: skip
LIST_INVITATIONS = Call(
    "list_invitations", "GET", LINKS, Who.ADMIN_OR_ADMINS, "List the links that are not used yet", answer=InvitationList
)
REVOKE_INVITATION = Call(
    "revoke_invitation", "DELETE", LINKS + "/{invitation_id}", Who.ADMIN_OR_ADMINS, "Void a link", status=204
)

CALLS = (
    SIGN_IN_WITH_PASSWORD, SET_OUT_TO_PROVIDER, SIGN_IN_WITH_PROVIDER, LOOK_AT_INVITATION, ACCEPT_INVITATION,
    READ_ACCOUNT, CHANGE_PASSWORD, LINK_PROVIDER, UNLINK_PROVIDER, LIST_OWN_SESSIONS, END_OWN_SESSION, END_OWN_SESSIONS,
    LIST_OPERATORS, READ_OPERATOR, CHANGE_OPERATOR, GRANT_ROLE, WITHDRAW_ROLE, LIST_SESSIONS, REVOKE_SESSION,
    REVOKE_SESSIONS, RESET_PASSWORD, INVITE, LIST_INVITATIONS, REVOKE_INVITATION,
)  # fmt: skip
