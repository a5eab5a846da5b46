"""The calls about people, and the operation behind each."""

from functools import partial

from control_plane.db.identities import Keys
from control_plane.edge.endpoint import Operation
from control_plane.registry.operations import granting, invitations, people, sessions, vouching
from store_client.wire.call import Call
from store_client.wire.calls import accounts as a


def account_operations(keys: Keys) -> dict[Call, Operation]:
    """All but those that need a hash, which `Entering` serves."""
    return {
        a.LOOK_AT_INVITATION: partial(invitations.look, keys=keys),
        a.READ_ACCOUNT: people.read_oneself,
        a.UNLINK_PROVIDER: vouching.unlink,
        a.LIST_OWN_SESSIONS: sessions.list_own,
        a.END_OWN_SESSION: sessions.end_own,
        a.END_OWN_SESSIONS: sessions.end_all_own,
        a.LIST_OPERATORS: people.list_all,
        a.READ_OPERATOR: people.read,
        a.CHANGE_OPERATOR: granting.change,
        a.GRANT_ROLE: granting.grant,
        a.WITHDRAW_ROLE: granting.withdraw,
        a.LIST_SESSIONS: sessions.list_of,
        a.REVOKE_SESSION: sessions.revoke,
        a.REVOKE_SESSIONS: sessions.revoke_all,
        a.RESET_PASSWORD: partial(invitations.reset, keys=keys),
        a.INVITE: partial(invitations.invite, keys=keys),
        a.LIST_INVITATIONS: invitations.list_all,
        a.REVOKE_INVITATION: invitations.revoke,
    }
