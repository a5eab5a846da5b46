"""The part of the face that is about people: their accounts, invitations and sessions."""

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
    RoleInExperiment,
    SessionLine,
    SessionLineList,
    SignInWay,
    SignInWithPassword,
    SignInWithProvider,
)
from store_client.wire.workers import ExperimentRole, higher_role

__all__ = [
    "AcceptInvitation", "ChangeOperator", "ChangePassword", "Departure", "EndedSessions", "ExperimentRole", "GrantRole",
    "Invitation", "InvitationList", "Invite", "LinkProvider", "LookAtInvitation", "NewInvitation", "OperatorDetail",
    "OperatorList", "RoleInExperiment", "SessionLine", "SessionLineList", "SignInWay", "SignInWithPassword",
    "SignInWithProvider", "higher_role",
]  # fmt: skip
