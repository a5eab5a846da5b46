"""The part of the face that is about people: their accounts, invitations and sessions."""

from store_client.wire.accounts import (
    AcceptInvitation,
    ChangeOperator,
    ChangePassword,
    EndedSessions,
    GrantRole,
    Invitation,
    InvitationList,
    Invite,
    LookAtInvitation,
    NewInvitation,
    OperatorDetail,
    OperatorList,
    RoleInExperiment,
    SessionLine,
    SessionLineList,
    SignInWay,
    SignInWithPassword,
)
from store_client.wire.workers import ExperimentRole, higher_role

__all__ = [
    "AcceptInvitation", "ChangeOperator", "ChangePassword", "EndedSessions", "ExperimentRole", "GrantRole",
    "Invitation", "InvitationList", "Invite", "LookAtInvitation", "NewInvitation", "OperatorDetail", "OperatorList",
    "RoleInExperiment", "SessionLine", "SessionLineList", "SignInWay", "SignInWithPassword",
    "higher_role",
]  # fmt: skip
