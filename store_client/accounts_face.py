"""The part of the face that is about people: their accounts, invitations and sessions."""

from store_client.wire.accounts import (
    AcceptInvitation,
    ChangeOperator,
    ChangePassword,
    EndedSessions,
    ExperimentRole,
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

__all__ = [
    "AcceptInvitation", "ChangeOperator", "ChangePassword", "EndedSessions", "ExperimentRole", "GrantRole",
    "Invitation", "InvitationList", "Invite", "LookAtInvitation", "NewInvitation", "OperatorDetail", "OperatorList",
    "RoleInExperiment", "SessionLine", "SessionLineList", "SignInWay", "SignInWithPassword",
]  # fmt: skip
