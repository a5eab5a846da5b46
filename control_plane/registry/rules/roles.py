"""What a person may do: their role in the deployment and the one in an experiment, of which the higher counts."""

from collections.abc import Mapping

from store_client.wire.accounts import ExperimentRole
from store_client.wire.workers import OperatorRole

RANK: Mapping[str, int] = {"member": 0, "viewer": 1, "operator": 2, "administrator": 3}
"""A member has no role in the deployment itself and sees only the experiments that they have a role in."""


def effective(in_deployment: OperatorRole, in_experiment: ExperimentRole | None) -> OperatorRole:
    """The role of a person in an experiment; `member` is nobody there."""
    return max((in_deployment, in_experiment or "member"), key=RANK.__getitem__)


def stored(role: OperatorRole) -> tuple[ExperimentRole, bool]:
    """A role in the deployment as its row has it: the role, and whether they are confined to their experiments."""
    return ("viewer", True) if role == "member" else (role, False)


def told(role: ExperimentRole, *, is_confined: bool) -> OperatorRole:
    """A row's role as it is told."""
    return "member" if is_confined else role
