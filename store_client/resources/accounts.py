"""People as administrators manage them, and one's own account."""

from typing import Any

from store_client.resources.resource import Resource
from store_client.wire.accounts import (
    AcceptInvitation,
    ChangeOperator,
    ChangePassword,
    Departure,
    GrantRole,
    Invitation,
    Invite,
    LinkProvider,
    LookAtInvitation,
    NewInvitation,
    OperatorDetail,
    SessionLine,
    SignInWithPassword,
    SignInWithProvider,
)
from store_client.wire.calls import accounts as calls
from store_client.wire.workers import ExperimentRole, Session


class Accounts(Resource):
    """Calls of whoever is signed in, about themselves, and those by which a console lets people in."""

    async def sign_in_with_password(self, body: SignInWithPassword) -> Session:
        answer: Session = await self._send(calls.SIGN_IN_WITH_PASSWORD, body)
        return answer

    async def set_out_to_provider(self) -> Departure:
        """Where a browser goes to be vouched for, and what it has to bring back beside the provider's answer."""
        answer: Departure = await self._send(calls.SET_OUT_TO_PROVIDER)
        return answer

    async def sign_in_with_provider(self, body: SignInWithProvider) -> Session:
        answer: Session = await self._send(calls.SIGN_IN_WITH_PROVIDER, body)
        return answer

    async def look_at_invitation(self, code: str) -> Invitation:
        answer: Invitation = await self._send(calls.LOOK_AT_INVITATION, LookAtInvitation(code=code))
        return answer

    async def accept_invitation(self, body: AcceptInvitation) -> Session:
        answer: Session = await self._send(calls.ACCEPT_INVITATION, body)
        return answer

    async def read_account(self) -> OperatorDetail:
        answer: OperatorDetail = await self._send(calls.READ_ACCOUNT)
        return answer

    async def change_password(self, body: ChangePassword) -> None:
        await self._send(calls.CHANGE_PASSWORD, body)

    async def link_provider(self, body: LinkProvider) -> OperatorDetail:
        """Have whom the OpenID Connect provider vouches for be whoever is signed in here."""
        answer: OperatorDetail = await self._send(calls.LINK_PROVIDER, body)
        return answer

    async def unlink_provider(self) -> OperatorDetail:
        answer: OperatorDetail = await self._send(calls.UNLINK_PROVIDER)
        return answer

    async def list_own_sessions(self) -> tuple[SessionLine, ...]:
        return tuple((await self._send(calls.LIST_OWN_SESSIONS)).sessions)

    async def end_own_session(self, session_id: str) -> None:
        await self._send(calls.END_OWN_SESSION, session_id=session_id)

    async def end_own_sessions(self) -> int:
        """How many ended, the one that asks among them."""
        return int((await self._send(calls.END_OWN_SESSIONS)).ended)


class Operators(Resource):
    """Calls of administrators about people."""

    async def list_operators(self) -> tuple[OperatorDetail, ...]:
        return tuple((await self._send(calls.LIST_OPERATORS)).operators)

    async def read_operator(self, operator_id: str) -> OperatorDetail:
        answer: OperatorDetail = await self._send(calls.READ_OPERATOR, operator_id=operator_id)
        return answer

    async def change_operator(self, operator_id: str, **changes: Any) -> OperatorDetail:
        """Change a name, a sign-in name or a role; what is not named stays as it is."""
        body = ChangeOperator.model_validate(changes)
        answer: OperatorDetail = await self._send(calls.CHANGE_OPERATOR, body, operator_id=operator_id)
        return answer

    async def grant_role(self, operator_id: str, experiment_id: str, role: ExperimentRole) -> OperatorDetail:
        body = GrantRole(role=role)
        answer: OperatorDetail = await self._send(calls.GRANT_ROLE, body, operator_id=operator_id, of=experiment_id)
        return answer

    async def withdraw_role(self, operator_id: str, experiment_id: str) -> OperatorDetail:
        answer: OperatorDetail = await self._send(calls.WITHDRAW_ROLE, operator_id=operator_id, of=experiment_id)
        return answer

    async def list_sessions(self, operator_id: str) -> tuple[SessionLine, ...]:
        return tuple((await self._send(calls.LIST_SESSIONS, operator_id=operator_id)).sessions)

    async def revoke_session(self, operator_id: str, session_id: str) -> None:
        await self._send(calls.REVOKE_SESSION, operator_id=operator_id, session_id=session_id)

    async def revoke_sessions(self, operator_id: str) -> int:
        return int((await self._send(calls.REVOKE_SESSIONS, operator_id=operator_id)).ended)

    async def reset_password(self, operator_id: str) -> NewInvitation:
        answer: NewInvitation = await self._send(calls.RESET_PASSWORD, operator_id=operator_id)
        return answer

    async def invite(self, body: Invite) -> NewInvitation:
        answer: NewInvitation = await self._send(calls.INVITE, body)
        return answer

    async def list_invitations(self) -> tuple[Invitation, ...]:
        return tuple((await self._send(calls.LIST_INVITATIONS)).invitations)

    async def revoke_invitation(self, invitation_id: str) -> None:
        await self._send(calls.REVOKE_INVITATION, invitation_id=invitation_id)
